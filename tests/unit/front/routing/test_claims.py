"""Which service gets which host and path."""

import pytest
from front_catalog import complaints, declared, instance, location, places, routed, served_by, settings

SHOP = "shop.example.com"


def test_a_container_gets_the_hosts_that_it_requests() -> None:
    found = routed(instance("one", virtual_host=f"{SHOP}, *.shop.example.org  Blog.example.com"))
    assert places(found) == {("", "/"), (SHOP, "/"), ("*.shop.example.org", "/"), ("blog.example.com", "/")}
    assert served_by(found, SHOP) == served_by(found, "blog.example.com") == {"one": 1}
    assert location(found, SHOP).upstream == location(found, "blog.example.com").upstream
    assert served_by(found, "") == {}


def test_a_route_of_group_data() -> None:
    route = declared("v2.grafana-3000", "Grafana.example.com", path="/graphs/", strip=True, buffering=False)
    found = routed(
        instance("one", "grafana-3000", tags=("v2",)), instance("two", "grafana-3000"), settings=settings(route)
    )
    assert served_by(found, "grafana.example.com", "/graphs") == {"one": 1}
    one = location(found, "grafana.example.com", "/graphs")
    assert (one.strip, one.buffering, one.source) == (True, False, "declared")


def test_a_route_of_group_data_exists_before_its_service() -> None:
    found = routed(settings=settings(declared("grafana-3000", "grafana.example.com")))
    assert served_by(found, "grafana.example.com") == {}


def test_of_two_services_that_claim_a_route_the_first_by_name_wins() -> None:
    two = [instance("z", "zebra-80", virtual_host=SHOP), instance("a", "ape-80", virtual_host=SHOP)]
    other = instance("b", "blog-80", virtual_host="blog.example.com")
    found = routed(*two, other)
    assert served_by(found, SHOP) == {"a": 1} and served_by(found, "blog.example.com") == {"b": 1}
    assert complaints(found) == [
        "shop.example.com/ goes to ape-80 as the name that sorts first; zebra-80 claims it too"
    ]


def test_group_data_has_precedence_over_metadata() -> None:
    found = routed(
        instance("a", "ape-80", virtual_host=SHOP),
        instance("z", "zebra-80"),
        settings=settings(declared("zebra-80", SHOP)),
    )
    assert served_by(found, SHOP) == {"z": 1}
    assert complaints(found) == ["shop.example.com/ goes to zebra-80 by group_data; ape-80 claims it too"]


def test_a_container_cannot_take_the_default_site() -> None:
    found = routed(instance("a", "ape-80", virtual_host="www.example.com"), instance("n", "nginx-80"))
    assert served_by(found, "") == {"n": 1}
    assert complaints(found) == [
        "the default site / goes to webserver-80 and nginx-80 by group_data; ape-80 claims it too"
    ]


def test_group_data_may_give_the_default_site_to_another_service() -> None:
    found = routed(instance("a", "ape-80"), settings=settings(declared("ape-80", "www.example.com")))
    assert served_by(found, "") == {"a": 1} and complaints(found) == []


@pytest.mark.parametrize("service", ["shop-80", "nginx-80"])
def test_a_claim_that_repeats_group_data_is_not_a_conflict(service: str) -> None:
    host = "www.example.com" if service == "nginx-80" else SHOP
    found = routed(instance("one", service, virtual_host=host), settings=settings(declared("shop-80", SHOP)))
    assert complaints(found) == []


def test_two_declared_routes_to_one_place_conflict() -> None:
    found = routed(settings=settings(declared("b-80", SHOP), declared("a-80", SHOP)))
    assert complaints(found) == ["shop.example.com/ goes to a-80 by group_data; b-80 claims it too"]


@pytest.mark.parametrize(
    ("said", "right"),
    [
        ({"virtual_host": "b;c"}, "virtual_host: got 'b;c'; expected host names such as"),
        ({"virtual_host": "shop.*.com"}, "virtual_host: got 'shop.*.com'; expected"),
        ({"virtual_host": "x" * 64}, "virtual_host: got 'xxxx"),
        ({"virtual_host": SHOP, "virtual_path": "api"}, "virtual_path: got 'api'; expected a path such as \"/api\""),
        ({"virtual_host": SHOP, "virtual_path": "/a//b"}, "virtual_path: got '/a//b'; expected"),
        ({"virtual_host": SHOP, "virtual_path": "/a/../b"}, "virtual_path: got '/a/../b'; expected"),
        ({"virtual_host": SHOP, "virtual_path": "/ä"}, "virtual_path: got '/ä'; expected"),
        (
            {"virtual_host": SHOP, "virtual_proto": "ftp"},
            "virtual_proto: got 'ftp'; expected http, https, grpc or grpcs",
        ),
        ({"virtual_host": SHOP, "virtual_strip": "maybe"}, "virtual_strip: got 'maybe'; expected true or false"),
        ({"virtual_host": SHOP, "virtual_buffering": "x"}, "virtual_buffering: got 'x'; expected true or false"),
        ({"virtual_path": "/api"}, "virtual_path: got no virtual_host beside it; expected both"),
    ],
)
def test_an_invalid_value_costs_only_its_own_instance_and_is_named(said: dict[str, str], right: str) -> None:
    found = routed(instance("bad", **said), instance("good", virtual_host=SHOP))
    assert served_by(found, SHOP) == {"good": 1}
    (text,) = complaints(found)
    assert text.startswith(f"app1:bad:80 of shop-80 gets no requests because of its metadata: {right}")


def test_an_instance_with_other_options_than_most_is_left_out_and_named() -> None:
    found = routed(
        instance("a", virtual_host=SHOP, virtual_proto="https"),
        instance("b", virtual_host=SHOP),
        instance("c", virtual_host=SHOP),
    )
    assert served_by(found, SHOP) == {"b": 1, "c": 1} and location(found, SHOP).protocol == "http"
    assert complaints(found) == [
        "app1:a:80 of shop-80 gets no requests of shop.example.com/: most instances have http, prefix kept, "
        "buffering on; expected the same for all"
    ]


def test_of_equal_votes_the_first_id_decides() -> None:
    found = routed(instance("b", virtual_host=SHOP, virtual_proto="https"), instance("a", virtual_host=SHOP))
    assert served_by(found, SHOP) == {"a": 1}


def test_a_name_too_long_for_nginx_costs_only_its_own_service() -> None:
    """nginx refuses a whole configuration with a word of more than 4 KB."""
    long = "s" * 5000
    found = routed(
        instance("one", long, virtual_host=SHOP), instance("two", "blog-80", virtual_host="blog.example.com")
    )
    assert places(found) == {("", "/"), ("blog.example.com", "/")}
    (complaint,) = complaints(found)
    assert "gets no requests because of its metadata: SERVICE_NAME: got 5000 characters" in complaint
    assert len(complaint) < 400
