"""Which ports of the lab's hosts answer others: exactly those of the table in docs/security.md."""

import socket
from ipaddress import ip_address

import pytest
from deployed import LAB, Fleet
from own_components import COMPONENTS

from rollcall.cli.deploy import checked_fleet
from rollcall.components.open_port import OpenPort, Protocol
from rollcall.config import fleet as fleets
from rollcall.verify import open_ports

SSH = 22  # the lab's own way in
OUTSIDE = {"the host's address", "every address"}


@pytest.fixture(scope="module")
def whole() -> fleets.Fleet:
    return checked_fleet(LAB)[1]


def said(whole: fleets.Fleet, member: fleets.Member, protocol: Protocol) -> list[OpenPort]:
    """Give the rows of the table that concern others than the host itself."""
    rows = open_ports.opened(whole, member, COMPONENTS)
    return [row for row in rows if protocol in row.protocols and OUTSIDE & set(row.at)]


def answering(address: str) -> set[int]:
    """Try every TCP port: on a network without losses a closed one says so in some ten microseconds."""
    return {port for port in range(1, 65536) if _answers(address, port)}


def _answers(address: str, port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((address, port)) == 0


def published(fleet: Fleet, host: str) -> set[int]:
    """Give the ports that Docker has given to containers of a host."""
    return {
        int(line.rsplit(":", 1)[1]) for line in fleet.on(host, "docker ps -q | xargs -n 1 docker port").splitlines()
    }


def test_tcp_ports_that_answer_others_are_those_of_the_table(fleet: Fleet, whole: fleets.Fleet) -> None:
    for member in whole.members:
        ports = answering(member.address)
        rows = said(whole, member, "tcp")
        single = {row.ports[0] for row in rows if row.is_one}
        assert ports == {SSH} | single | published(fleet, member.name), member.name
        ranges = [row.ports for row in rows if not row.is_one]
        assert all(any(port in each for each in ranges) for port in published(fleet, member.name)), member.name
        assert all(any(port in each for port in ports) for each in ranges), member.name


def test_udp_ports_that_answer_others_are_those_of_the_table(fleet: Fleet, whole: fleets.Fleet) -> None:
    for member in whole.members:
        lines = fleet.on(member.name, "ss --listening --udp --numeric --no-header").splitlines()
        bridges = fleet.on(member.name, "ip -4 -o address | awk '$2 ~ /^(docker|br-)/ { print $4 }' | cut -d / -f 1")
        sockets = [line.split()[3].rsplit(":", 1) for line in lines]
        found = {(address, int(port)) for address, port in sockets if not ip_address(address).is_loopback}
        others = {(address, port) for address, port in found if address not in bridges.split()}
        assert found - others, "DNS answers on a bridge"
        assert others == {(member.address, row.ports[0]) for row in said(whole, member, "udp")}, member.name
