"""DNS names and instances of a catalog, without any host."""

from dataclasses import replace

import pytest
from six_hosts import checked

from rollcall.verify.catalog import Instance, behind, dns_names
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
