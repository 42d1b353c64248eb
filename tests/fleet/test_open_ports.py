"""Which ports of the lab's hosts answer others: exactly those that are said to."""

import socket
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address

import pytest
from deployed import Fleet

SSH = 22  # the lab's own way in
EVERY_HOST = {8301, 8501}
GROUPS = {"consul_servers": {8300}, "fronts": {80, 443}, "backends": set()}
BACKENDS = range(20000, 22000)


def open_ports(address: str) -> set[int]:
    """Try every TCP port: on a network without losses a closed one says so in some ten microseconds."""
    return {port for port in range(1, 65536) if _answers(address, port)}


def _answers(address: str, port: int) -> bool:
    with socket.socket() as tried:
        tried.settimeout(1)
        return tried.connect_ex((address, port)) == 0


def published(fleet: Fleet, host: str) -> set[int]:
    """Give the host's ports that Docker has given to backends."""
    lines = fleet.on(host, "docker ps -q | xargs docker inspect --format '{{json .HostConfig.PortBindings}}'")
    ports = fleet.on(host, "docker ps --filter label=rollcall.managed=backend -q | xargs -r -n 1 docker port")
    assert lines
    return {int(line.rsplit(":", 1)[1]) for line in ports.splitlines()}


@pytest.mark.parametrize("group", GROUPS)
def test_open_tcp_ports_are_those_that_are_said_to_be(fleet: Fleet, group: str) -> None:
    hosts = [host for host in fleet.hosts.values() if group in host.groups]
    assert hosts
    with ThreadPoolExecutor() as pool:
        found = list(pool.map(open_ports, [str(host.data["address"]) for host in hosts]))
    for host, ports in zip(hosts, found, strict=True):
        backends = published(fleet, host.name)
        assert ports == {SSH} | EVERY_HOST | GROUPS[group] | backends, host.name
        assert all(port in BACKENDS for port in backends)
        assert bool(backends) == (group == "backends")


def test_open_udp_ports_are_those_that_are_said_to_be(fleet: Fleet) -> None:
    for name, host in fleet.hosts.items():
        local = [line.split()[3] for line in fleet.on(name, "ss --listening --udp --numeric --no-header").splitlines()]
        bridges = fleet.on(
            name, "ip -4 -o address show | awk '$2 ~ /^(docker|br-)/ { split($4, a, \"/\"); print a[1] }'"
        )
        inside = {"127.0.0.11", *bridges.split()}
        others = {one for one in local if not ip_address(one.rsplit(":", 1)[0]).is_loopback}
        assert {one for one in others if one.rsplit(":", 1)[0] not in inside} == {f"{host.data['address']}:8301"}, name
