"""Settings of every host, checked one by one and together, before anything is touched."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path
from typing import Any

from rollcall.config import host_settings, setting_location, unused_settings
from rollcall.config.fleet import Fleet, Locate, Member, RawHost, member, names
from rollcall.config.front import front_validation
from rollcall.config.layers import assignments, of_item
from rollcall.config.settings import Settings
from rollcall.did_you_mean import near_name
from rollcall.errors import RollcallError

# Consul's own ports (its documentation, "Required ports"), DNS and SSH: nginx cannot have them.
TAKEN_PORTS = {
    22: "SSH",
    53: "DNS",
    8510: "the registrator",
    **dict.fromkeys((8300, 8301, 8302, 8500, 8501, 8502, 8503, 8600), "Consul"),
}


def locator(inventory: Path, hosts: Iterable[RawHost]) -> Locate:
    """Make a function that says in which file and line a host's setting stands, as "file:line: "."""
    layers = {host.name: host.layers for host in hosts}

    def locate(host: str, path: tuple[str | int, ...]) -> str:
        own, inside = of_item(layers[host], path)
        for end in range(len(inside), 0, -1):
            if found := assignments(own, inside[:end]):
                return f"{setting_location.place(found[0].layer, host, inside)}: "
        return f"{inventory}: {host}: "

    return locate


def check(name: str, hosts: Sequence[RawHost], local_hostname: str, locate: Locate) -> Fleet:
    """Turn an inventory's raw data into a fleet.

    Raises:
        RollcallError: the first thing that is wrong, in one sentence.
    """
    if not hosts:
        raise RollcallError(f"{name}: no hosts; expected at least one, in the group consul_servers")
    alone = len(hosts) == 1
    settings = [host_settings.check(host, locate) for host in hosts]
    members = tuple(
        member(host, its, local_hostname, locate, alone=alone) for host, its in zip(hosts, settings, strict=True)
    )
    fleet = Fleet(name, members)
    _check_servers(fleet)
    _check_same(fleet, locate)
    _check_distinct(fleet)
    _check_mode(fleet, locate)
    _check_virtual_address(fleet, locate)
    unused_settings.check(fleet, locate)
    for one in members:
        _check_front_ports(one, locate)
        _check_front_certificate(one, locate)
        front_validation.check_proxy_protocol(one, locate)
        front_validation.check_routes(one, locate)
        front_validation.check_streams(one, locate, TAKEN_PORTS)
    return fleet


def _check_servers(fleet: Fleet) -> None:
    count = len(fleet.servers)
    if count == 0:
        groups = {group for one in fleet.members for group in one.groups}
        close = near_name("consul_servers", groups)
        raise RollcallError(
            f"{fleet.name}: no host in the group consul_servers; "
            + (f"did you write {close}?" if close else "expected a list of 1, 3 or 5 hosts of that name")
        )
    if count not in (1, 3, 5):
        why = (
            "an even number tolerates no more failures than one server less"
            if count % 2 == 0
            else "more than five only slow Raft down"
        )
        raise RollcallError(
            f"{fleet.name}: consul_servers: got {count} hosts ({names(fleet.servers)}), and {why}; expected 1, 3 or 5"
        )


def _check_same(fleet: Fleet, locate: Locate) -> None:
    """Settings which the whole fleet must share."""
    first = fleet.members[0]
    for path in (("consul", "datacenter"), ("consul", "domain"), ("registrator", "mode"), ("chaos",)):
        for one in fleet.members[1:]:
            theirs, ours = (_value(each.settings, path) for each in (one, first))
            if theirs != ours:
                raise RollcallError(
                    f"{locate(one.name, path)}{'.'.join(path)}: got {theirs!r} for {one.name} and {ours!r} "
                    f"for {first.name}; expected one value for the whole fleet, in group_data/all.py"
                )


def _value(settings: Settings, path: Sequence[str]) -> Any:
    value: Any = settings
    for part in path:
        value = getattr(value, part)
    return value


def _check_distinct(fleet: Fleet) -> None:
    for what, values in (
        ("address", {one.name: one.address for one in fleet.members}),
        ("Consul node name", {one.name: one.node for one in fleet.members}),
    ):
        if twice := _repeated(values):
            value, owners = twice
            raise RollcallError(
                f"{fleet.name}: {' and '.join(owners)} have the same {what} {value}; expected a different one for each"
                + (f': set one, as in ("{owners[1]}", {{"node": "{value}-2"}})' if what == "Consul node name" else "")
            )


def _repeated(values: Mapping[str, str]) -> tuple[str, list[str]] | None:
    for value, count in Counter(values.values()).items():
        if count > 1:
            return value, [name for name, own in values.items() if own == value]
    return None


def _check_mode(fleet: Fleet, locate: Locate) -> None:
    if fleet.mode == "internal" and len(fleet.members) > 1:
        one = fleet.members[0]
        raise RollcallError(
            f"{locate(one.name, ('registrator', 'mode'))}registrator.mode: got 'internal' "
            f"with {len(fleet.members)} hosts, but other hosts cannot reach a container's own address; "
            'expected "published" or "auto"'
        )


def _check_virtual_address(fleet: Fleet, locate: Locate) -> None:
    """The address that all fronts have in common is one for all of them, free, and one that they can have."""
    if not any(one.settings.front.virtual_address for one in fleet.fronts):
        return
    first = fleet.fronts[0]
    for key in ("virtual_address", "virtual_router"):
        path = ("front", key)
        for one in fleet.fronts[1:]:
            theirs, ours = (_value(each.settings, path) for each in (one, first))
            if theirs != ours:
                raise RollcallError(
                    f"{locate(one.name, path)}front.{key}: got {theirs!r} for {one.name} and {ours!r} "
                    f"for {first.name}; expected one value for all fronts, in group_data/fronts.py"
                )
    where = f"{locate(first.name, ('front', 'virtual_address'))}front.virtual_address"
    if len(fleet.fronts) == 1:
        raise RollcallError(
            f"{where}: got an address to share, but {first.name} is the only host in fronts; "
            "expected a second host in fronts, or no virtual_address"
        )
    if why := _why_nobody_can_have(IPv4Interface(first.settings.front.virtual_address), fleet):
        raise RollcallError(f"{where}: got {first.settings.front.virtual_address!r}, {why}")
    for one in fleet.fronts:
        if one.settings.front.address:
            raise RollcallError(
                f"{locate(one.name, ('front', 'address'))}front.address: got {one.settings.front.address!r}, and "
                "nginx would not listen on front.virtual_address; expected no front.address"
            )


def _why_nobody_can_have(shared: IPv4Interface, fleet: Fleet) -> str:
    """Say what is wrong with an address for the fronts; nothing where nothing is."""
    for one in fleet.members:
        if IPv4Address(one.address) == shared.ip:
            return f"the address of {one.name}; expected an address that no host has"
    network = shared.network
    inside = network.prefixlen >= 31 or shared.ip not in (network.network_address, network.broadcast_address)
    if shared.is_loopback or shared.is_multicast or shared.is_unspecified or not inside:
        return f"which no host can have; expected a host's address in {network}"
    for one in fleet.fronts:
        if IPv4Address(one.address) not in network and not one.settings.front.virtual_interface:
            return (
                f"but {one.name}'s address {one.address} is not in {network}; expected an address of its network, "
                "or front.virtual_interface with the interface that is in this one"
            )
    return ""


def _check_front_ports(one: Member, locate: Locate) -> None:
    front = one.settings.front
    for key, port in (("http_port", front.http_port), ("https_port", front.https_port)):
        if port in TAKEN_PORTS:
            raise RollcallError(
                f"{locate(one.name, ('front', key))}front.{key}: got {port}, the port of {TAKEN_PORTS[port]}; "
                "expected a port that nothing else on the host uses"
            )
    if front.http_port == front.https_port:
        raise RollcallError(
            f"{locate(one.name, ('front', 'https_port'))}front.https_port: got {front.https_port}, "
            "the port of front.http_port; expected another port"
        )


def _check_front_certificate(one: Member, locate: Locate) -> None:
    front = one.settings.front
    given = {"certificate": front.certificate, "certificate_key": front.certificate_key}
    for key, other in (("certificate", "certificate_key"), ("certificate_key", "certificate")):
        if given[key] is not None and given[other] is None:
            raise RollcallError(
                f"{locate(one.name, ('front', key))}front.{key}: got it without front.{other}; "
                "expected both, or neither for a certificate of the fleet's own authority"
            )
