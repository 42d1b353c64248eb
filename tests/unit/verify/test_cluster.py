"""DNS names and instances of a catalog, and which hosts are read again, without any host."""

import os
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import pytest
from six_hosts import checked

from rollcall.contract import local_agent
from rollcall.remote import parallel
from rollcall.verify.catalog import Instance, behind, dns_names
from rollcall.verify.cluster import Cluster
from rollcall.verify.front_requests import front_endpoint


def instance(service: str, *tags: str, passing: bool = True) -> Instance:
    return Instance(f"a:{service}:80", service, "a", "10.0.0.1", 80, frozenset(tags), passing)


def test_services_and_their_tags_have_dns_names() -> None:
    names = dns_names([instance("web-80", "http", "blue")], "example")
    assert set(names) == {
        "consul.service.example",
        "web-80.service.example",
        "http.web-80.service.example",
        "blue.web-80.service.example",
    }


def test_a_service_without_a_passing_instance_has_no_dns_name() -> None:
    assert dns_names([instance("web-80", passing=False)], "consul") == ("consul.service.consul",)


def test_names_that_dns_cannot_carry_are_skipped() -> None:
    names = dns_names([instance("a.b", "x"), instance("web", "v1.2", "$(reboot)")], "consul")
    assert names == ("consul.service.consul", "web.service.consul")


def test_names_that_differ_only_in_case_are_one_name_and_labels_fit() -> None:
    names = dns_names(
        [instance("Web", "V1"), instance("web", "x" * 64), instance("-web"), instance("x" * 64)], "consul"
    )
    assert names == ("consul.service.consul", "web.service.consul", "v1.web.service.consul")


def test_a_large_catalog_is_sampled() -> None:
    assert len(dns_names([instance(f"s{number}") for number in range(100)], "consul")) == 12


@pytest.mark.parametrize(
    ("settings", "endpoint"),
    [
        ({}, ("127.0.0.1", 80)),
        ({"address": "10.77.0.31", "http_port": 81}, ("10.77.0.31", 81)),
        ({"redirect": True, "https_port": 8443}, ("127.0.0.1", 8443)),
        ({"redirect": 8443}, ("127.0.0.1", 443)),
    ],
)
def test_requests_go_where_the_front_serves(settings: dict[str, object], endpoint: tuple[str, int]) -> None:
    assert front_endpoint(checked(front=settings).member("front1")) == endpoint


def test_a_front_balances_over_passing_instances_of_tcp() -> None:
    front = checked(front={"services": ["web", "v2.shop"]}).member("front1")
    web, new, old = instance("web"), instance("shop", "v2"), instance("shop")
    udp = replace(web, id="a:web:53:udp", udp=True)
    assert behind(front, (web, new, old, udp, replace(web, passing=False))) == (web, new)


@pytest.mark.parametrize(("address", "endpoint"), [("10.0.0.1", "10.0.0.1:80"), ("fd00::1", "[fd00::1]:80")])
def test_an_endpoint_is_written_as_nginx_does(address: str, endpoint: str) -> None:
    assert replace(instance("web"), address=address).endpoint == endpoint


class Shell:
    """Counts how often its host is read."""

    def __init__(self) -> None:
        self.reads = 0

    def read(self, _command: str, timeout_seconds: float) -> str:
        assert timeout_seconds
        self.reads += 1
        return "@@rollcall containers\n@@rollcall end\n"


@pytest.fixture
def cluster() -> Cluster:
    fleet = checked()
    inventory: Any = SimpleNamespace(hosts=[SimpleNamespace(name=member.name) for member in fleet.members])
    secrets: Any = SimpleNamespace(tokens=SimpleNamespace(secret=lambda _name: "x"))
    endpoints = {member.name: {local_agent.ENDPOINT: ("127.0.0.1", 1)} for member in fleet.members}
    found = Cluster("lab.py", inventory, fleet, secrets, components=(), endpoints=endpoints)
    found.shells = {member.name: Shell() for member in fleet.members}  # type: ignore[misc]
    found.catalog = SimpleNamespace(instances=tuple)  # type: ignore[assignment]
    found.probe()
    return found


def reads(cluster: Cluster) -> dict[str, int]:
    return {name: shell.reads for name, shell in cluster.shells.items()}  # type: ignore[attr-defined]


def test_only_the_hosts_that_were_wrong_are_read_again(cluster: Cluster) -> None:
    before = cluster.probes
    cluster.probe_again(5, ["app1"])
    assert reads(cluster) == {**dict.fromkeys(cluster.hosts, 1), "app1": 2}
    assert cluster.probes.keys() == before.keys()


def test_what_was_read_after_the_change_had_settled_holds(cluster: Cluster) -> None:
    cluster.probe_again(0, ["app1"])
    assert reads(cluster) == dict.fromkeys(cluster.hosts, 1)


@pytest.mark.parametrize(
    ("processors", "hosts", "workers"), [(2, 50, 12), (16, 50, 50), (2, 6, 6), (None, 50, 6), (2, 0, 1)]
)
def test_as_many_hosts_are_read_at_once_as_fit_this_machine(
    monkeypatch: pytest.MonkeyPatch, processors: int | None, hosts: int, workers: int
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: processors)
    assert parallel.workers(hosts) == workers
