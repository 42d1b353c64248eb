"""A container on Docker's default bridge that gets no name: a firewall, or other name servers."""

from types import SimpleNamespace
from typing import Any

import pytest
from six_hosts import checked

from rollcall.verify.check_error import CheckError
from rollcall.verify.checks import test_bridge as bridge_check
from rollcall.verify.host_probe import HostProbe


def cluster(probe: HostProbe) -> Any:
    return SimpleNamespace(
        probes={"app1": probe},
        fleet=checked(),
        states={"app1": SimpleNamespace(bridge_interface="docker0")},
        domain="consul",
        begun=0.0,
        probe_again=lambda _seconds, _hosts: None,
        command_line=lambda host, command: f"{host}: {command}",
    )


def probe(*nameservers: str, firewall: str = "") -> HostProbe:
    return HostProbe((), {}, {}, {}, {}, {}, "172.17.0.1", True, nameservers, firewall)


def refused(found: HostProbe) -> tuple[str, str]:
    """What is found, and the next command."""
    with pytest.raises(CheckError) as raised:
        bridge_check.test_the_default_bridge(cluster(found), lambda _: None)
    return str(raised.value), raised.value.command


def test_name_servers_from_before_resolved_are_named_with_the_step() -> None:
    found, command = refused(probe("8.8.8.8", "8.8.4.4"))
    assert "the name servers 8.8.8.8, 8.8.4.4 instead of 172.17.0.1" in found
    assert command == "app1: systemctl restart docker"


def test_otherwise_a_firewall_is_named() -> None:
    found, command = refused(probe("172.17.0.1", firewall="ufw"))
    assert "no DNS response for consul.service.consul (port 53); ufw drops the packets" in found
    assert command.startswith("app1: ufw allow in on docker0 to any port 53")
