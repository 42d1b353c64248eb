"""The lab's six hosts as an inventory gives them, and the fleet that they make."""

from dataclasses import replace
from typing import Any

from own_components import check
from sample import SERVICES

from rollcall.config.fleet import Fleet, RawHost, nowhere

SIX: dict[str, tuple[str, str]] = {
    "consul1": ("consul_servers", "10.77.0.11"),
    "consul2": ("consul_servers", "10.77.0.12"),
    "consul3": ("consul_servers", "10.77.0.13"),
    "app1": ("backends", "10.77.0.21"),
    "app2": ("backends", "10.77.0.22"),
    "front1": ("fronts", "10.77.0.31"),
}


def raw_hosts(**settings: Any) -> list[RawHost]:
    """The lab's hosts, each with the same settings on top of its address."""
    return [
        RawHost(name, frozenset({group, "six"}), {"address": address, **settings})
        for name, (group, address) in SIX.items()
    ]


def checked(**settings: Any) -> Fleet:
    return check("six", raw_hosts(**settings), "laptop", nowhere)


def with_sample(**settings: Any) -> Fleet:
    """The same with the sample services on the hosts of their group."""
    hosts = [
        replace(one, data={**one.data, "services": SERVICES}) if "backends" in one.groups else one
        for one in raw_hosts(**settings)
    ]
    return check("six", hosts, "laptop", nowhere)
