"""Which requests go to which instances."""

import random

import pytest
from front_catalog import complaints, declared, instance, location, places, routed, served_by, settings, upstream

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
