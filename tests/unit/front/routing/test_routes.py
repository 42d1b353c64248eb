"""Which requests go to which instances."""

import random
from dataclasses import replace

import pytest
from front_catalog import complaints, declared, instance, location, places, routed, served_by, settings, upstream

from rollcall.config.settings import Route

SHOP = "shop.example.com"


def test_the_default_site_is_the_fronts_own_services() -> None:
    found = routed(
        instance("web", "webserver-80", tags=("http",)),
        instance("untagged", "webserver-80"),
        instance("nginx", "nginx-80"),
        instance("other", "mail-25"),
    )
    assert served_by(found, "") == {"web": 1, "nginx": 1}
    assert upstream(found, "").name == "backends"
    assert places(found) == {("", "/")} and complaints(found) == []


def test_the_default_site_exists_without_instances() -> None:
    assert served_by(routed(), "") == {}


def test_a_path_and_its_proxy_options() -> None:
    said = {"virtual_path": "/api/", "virtual_strip": "Yes", "virtual_proto": "grpcs", "virtual_buffering": "off"}
    one = location(routed(instance("one", virtual_host=SHOP, **said)), SHOP, "/api")
    assert (one.protocol, one.strip, one.buffering, one.source) == ("grpcs", True, False, "metadata")


def test_the_longest_path_comes_first() -> None:
    paths = ["/", "/api", "/api/v2", "/b"]
    found = routed(*(instance(f"c{n}", f"s{n}", virtual_host=SHOP, virtual_path=path) for n, path in enumerate(paths)))
    (site,) = [site for site in found.sites if site.host == SHOP]
    assert [location.path for location in site.locations] == ["/api/v2", "/api", "/b", "/"]


def test_the_fronts_own_name_is_the_default_site() -> None:
    found = routed(instance("one", virtual_host="WWW.example.com", virtual_path="/api"), instance("nginx", "nginx-80"))
    assert places(found) == {("", "/"), ("", "/api")}


def test_a_default_site_without_instances_takes_no_name_from_a_service() -> None:
    shop = instance("one", virtual_host="www.example.com")
    found = routed(shop)
    assert served_by(found, "www.example.com") == {"one": 1}
    assert served_by(found, "") == {}
    assert (found.server_name, complaints(found)) == ("", [])
    back = routed(shop, instance("nginx", "nginx-80", state="critical"))
    assert (back.server_name, served_by(back, "")) == ("www.example.com", {})
    assert len(complaints(back)) == 1


def test_a_declared_route_at_the_fronts_own_name_is_the_default_site() -> None:
    route = declared("shop-80", "www.example.com")
    assert served_by(routed(instance("one"), settings=settings(route, services=())), "") == {"one": 1}


def test_the_default_sites_maintenance_page_is_also_for_its_name() -> None:
    shop = instance("one", virtual_host="www.example.com")
    for key in ("maintenance/_", "maintenance/www.example.com"):
        assert location(routed(shop, keys={key: "Back at noon."}), "www.example.com").maintenance == "Back at noon."


def test_without_services_the_default_site_does_not_exist_and_its_name_is_free() -> None:
    none = settings(services=())
    assert places(routed(settings=none)) == set()
    shop = instance("one", virtual_host="www.example.com")
    assert places(routed(shop, settings=none)) == {("www.example.com", "/")}


@pytest.mark.parametrize("state", ["critical", "warning", "maintenance"])
def test_a_failing_instance_gets_no_requests_and_its_service_keeps_the_host(state: str) -> None:
    found = routed(instance("one", virtual_host=SHOP, state=state), instance("nginx", "nginx-80"))
    assert served_by(found, SHOP) == {}
    assert served_by(found, "") == {"nginx": 1}


def test_the_order_of_registration_makes_no_difference() -> None:
    all_of_them = [
        instance(
            f"c{number}",
            f"s{number % 3}",
            virtual_host=[SHOP, "a.example.com"][number % 2],
            virtual_proto=["http", "https", "grpc"][number % 3],
            weight=number,
        )
        for number in range(12)
    ]
    all_of_them += [instance(name, "nginx-80", address="10.0.0.9", weight=ord(name)) for name in "ab"]
    expected = routed(*all_of_them)
    for seed in range(5):
        random.Random(seed).shuffle(all_of_them)
        assert routed(*all_of_them) == expected


@pytest.mark.parametrize("service", ["shop_web-80", "_shop", "v_1.shop_web-80"])
def test_a_service_with_underscores_can_be_declared(service: str) -> None:
    assert Route(service=service, host=SHOP).service == service
    name = service.rpartition(".")[2]
    found = routed(instance("one", name, tags=("v_1",)), settings=settings(declared(service, SHOP)))
    assert served_by(found, SHOP) == {"one": 1}


def test_a_bad_host_name_costs_only_itself() -> None:
    found = routed(instance("one", virtual_host=f"{SHOP},shop_.example,{'x' * 300}"))
    assert places(found) == {("", "/"), (SHOP, "/")}
    assert served_by(found, SHOP) == {"one": 1}
    assert [text.partition(";")[0][:52] for text in complaints(found)] == [
        "app1:one:80 of shop-80: virtual_host: got 'shop_.exa",
        "app1:one:80 of shop-80: virtual_host: got 'xxxxxxxxx",
    ]


def test_a_list_of_hosts_may_go_on_in_further_values() -> None:
    more = {"virtual_host-2": "b.example", "virtual_host-3": "c.example d.example"}
    found = routed(instance("one", virtual_host="a.example,", **more))
    assert places(found) - {("", "/")} == {(f"{letter}.example", "/") for letter in "abcd"}


UDP = {"registrator-host": "app1", "registrator-protocol": "udp"}


@pytest.mark.parametrize("by_mark", [True, False])
def test_a_udp_service_is_no_upstream(by_mark: bool) -> None:
    """Of an image that exposes 443 for both: one name, two ports, and one site."""
    tcp = instance("one", "shop-443", 443, virtual_host=SHOP, address="10.0.0.1", **({"registrator-host": "app1"}))
    marks = UDP if by_mark else {}
    udp = instance("one", "shop-443", 444, virtual_host=SHOP, address="10.0.0.1", tags=("udp",), **marks)
    found = routed(tcp, replace(udp, identity="app1:one:443:udp"), settings=settings(declared("shop-443", "b.example")))
    for host in (SHOP, "b.example"):
        assert [one.instance.endpoint for one in upstream(found, host).servers] == ["10.0.0.1:443"]
    assert complaints(found) == []


def test_a_tcp_service_may_have_the_tag_udp() -> None:
    found = routed(instance("one", virtual_host=SHOP, tags=("udp",), **{"registrator-host": "app1"}))
    assert served_by(found, SHOP) == {"one": 1}


def test_a_udp_service_that_alone_wants_a_host_is_said() -> None:
    found = routed(instance("dns", "dns-53", 53, virtual_host=SHOP, tags=("udp",), **UDP))
    assert places(found) == {("", "/")}
    assert complaints(found) == [f"app1:dns:53 of dns-53 takes UDP, so it gets no requests of {SHOP}"]
