"""The services of a target, and where connections to them end."""

import json
from typing import Any

import pytest

from rollcall.config.fleet import Fleet
from rollcall.drain import instances
from rollcall.drain.connections import HOST, Port
from rollcall.drain.instances import Container, Instance
from rollcall.drain.target import Target, read
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import MARK_CONTAINER

WEB, OTHER = "a" * 64, "b" * 64


def inspected(name: str, identity: str, **more: Any) -> str:
    document = {
        "Id": identity,
        "Name": f"/{name}",
        "Mode": "bridge",
        "Ports": {"80/tcp": [{"HostIp": "10.77.0.21", "HostPort": "20001"}], "443/tcp": None, "53/udp": None},
        "Networks": {"bridge": {"IPAddress": "172.17.0.2"}},
        **more,
    }
    return json.dumps(document)


def running(*lines: str) -> tuple[Container, ...]:
    return instances.containers("\n".join(lines))


def service(identity: str, container: str = WEB[:12], **more: Any) -> dict[str, Any]:
    fields = {"ID": identity, "Service": "web-80", "Address": "10.77.0.21", "Port": 20001, "Tags": [], "Meta": {}}
    return {**fields, "Meta": {MARK_CONTAINER: container} if container else {}, **more}


def registered(*services: dict[str, Any]) -> tuple[Instance, ...]:
    return instances.instances({one["ID"]: one for one in services})


def of(text: str, fleet: Fleet, found: tuple[Instance, ...], *lines: str) -> list[str]:
    target: Target = read(text, fleet.members)
    return [one.identity for one in instances.of(target, found, running(*lines))]


def test_a_containers_services_are_its_own_whatever_their_ids_are(fleet: Fleet) -> None:
    found = registered(service("app1:web-1:80"), service("given"), service("app1:web-10:80", OTHER[:12]))
    lines = inspected("web-1", WEB), inspected("web-10", OTHER)
    assert of("app1/web-1", fleet, found, *lines) == ["app1:web-1:80", "given"]


def test_a_hosts_services_are_all_but_consuls_own(fleet: Fleet) -> None:
    found = registered(service("one"), service("by hand", ""), service("consul", "", Service="consul"))
    assert of("app1", fleet, found) == ["one", "by hand"]


def test_a_container_that_does_not_run_or_has_no_service_is_an_error(fleet: Fleet) -> None:
    with pytest.raises(RollcallError, match=r"app1 runs no container 'web-2'; did you mean web-1\?"):
        of("app1/web-2", fleet, (), inspected("web-1", WEB))
    with pytest.raises(RollcallError, match="app1/web-1 has no service in Consul"):
        of("app1/web-1", fleet, registered(service("x", OTHER[:12])), inspected("web-1", WEB))


@pytest.mark.parametrize(
    ("fields", "more", "port"),
    [
        ({}, {}, Port(WEB, 80)),
        ({"Address": "172.17.0.2", "Port": 80}, {}, Port(WEB, 80)),
        # Registered at its own address: host port 443, which leads to another of its ports, does not matter.
        (
            {"Address": "172.17.0.2", "Port": 443},
            {"Ports": {"8443/tcp": [{"HostIp": "", "HostPort": "443"}]}},
            Port(WEB, 443),
        ),
        ({"Port": 8080}, {"Mode": "host", "Ports": {}, "Networks": {"host": {"IPAddress": ""}}}, Port(HOST, 8080)),
        ({"Meta": {}, "Port": 5432}, {}, Port(HOST, 5432)),
    ],
    ids=["published", "own address", "own address, port published for another", "host network", "no container"],
)
def test_where_connections_end(fields: dict[str, Any], more: dict[str, Any], port: Port) -> None:
    found = registered(service("web", **fields))
    assert instances.ports(found, running(inspected("web-1", WEB, **more))) == {port: "web"}


def test_a_container_in_another_ones_network_is_reached_by_that_ones_ports() -> None:
    borrower = inspected("sidecar", OTHER, Mode=f"container:{WEB}", Ports={}, Networks={})
    found = registered(service("sidecar", OTHER[:12]))
    assert instances.ports(found, running(inspected("web-1", WEB), borrower)) == {Port(OTHER, 80): "sidecar"}


def test_udp_services_have_no_connections() -> None:
    assert instances.ports(registered(service("dns", Tags=["udp"])), running(inspected("web-1", WEB))) == {}
