"""The servers and weights of upstreams."""

import pytest
from front_catalog import complaints, instance, location, routed, served_by, settings, upstream

SHOP = "shop.example.com"


def test_one_address_registered_twice_is_one_server() -> None:
    found = routed(*(instance(name, "nginx-80", address="10.0.0.9") for name in ("one", "again")))
    assert len(upstream(found, "").servers) == 1


def test_the_weight_is_the_containers_else_the_registrations_else_the_fronts() -> None:
    found = routed(
        instance("own", "nginx-80", weight=7, weight_of_consul=5),
        instance("registered", "nginx-80", weight_of_consul=5),
        instance("plain", "nginx-80"),
        settings=settings(weight=2),
    )
    assert served_by(found, "") == {"own": 7, "registered": 5, "plain": 2}


@pytest.mark.parametrize("bad", ["0", "1001", "-1", "3.5", "many", "٣"])
def test_an_invalid_weight_is_named_and_its_instance_gets_the_default(bad: str) -> None:
    found = routed(instance("one", "nginx-80", weight=bad))
    assert served_by(found, "") == {"one": 1}
    (text,) = complaints(found)
    assert text == (
        f"app1:one:80 of nginx-80 has the weight 1 instead of its own: weight: got {bad!r}; "
        "expected an integer from 1 to 1000"
    )


def test_services_that_differ_only_in_case_get_different_upstreams() -> None:
    """nginx compares names without case, and refuses a configuration with both."""
    found = routed(
        instance("a", "Shop-80", virtual_host="a.example.com"), instance("b", "shop-80", virtual_host="b.example.com")
    )
    names = [upstream.name.lower() for upstream in found.upstreams]
    assert len(set(names)) == len(names) == 3


def test_with_tls_each_host_has_its_own_upstream() -> None:
    found = routed(instance("one", virtual_host="a.example.com b.example.com", virtual_proto="https"))
    assert location(found, "a.example.com").upstream != location(found, "b.example.com").upstream


def test_a_canary_gets_its_percentage_and_the_rest_what_is_left() -> None:
    found = routed(
        *(instance(f"old{number}", virtual_host=SHOP) for number in range(3)),
        instance("new", virtual_host=SHOP, tags=("v2",)),
        keys={"canary/shop-80": '{"v2": 10}'},
    )
    assert served_by(found, SHOP) == {"old0": 3, "old1": 3, "old2": 3, "new": 1}
    assert upstream(found, SHOP).exact and not upstream(found, "").exact


def test_a_canary_changes_only_its_own_service() -> None:
    found = routed(
        instance("web", "webserver-80", tags=("http",)),
        instance("web2", "webserver-80", tags=("http", "v2")),
        instance("nginx1", "nginx-80"),
        instance("nginx2", "nginx-80"),
        instance("nginx3", "nginx-80", weight=4),
        keys={"canary/webserver-80": '{"v2": 25}'},
    )
    assert served_by(found, "") == {"web": 3, "web2": 1, "nginx1": 2, "nginx2": 2, "nginx3": 8}


def test_a_canarys_share_is_exact_for_fractions_too() -> None:
    old, new = instance("old", virtual_host=SHOP), instance("new", virtual_host=SHOP, tags=("v2",))
    weights = served_by(routed(old, new, keys={"canary/shop-80": '{"v2": 28.5}'}), SHOP)
    assert weights["new"] / sum(weights.values()) == pytest.approx(0.285, rel=0.005)


def test_an_instance_with_a_share_of_0_is_not_a_server() -> None:
    old, new = instance("old", virtual_host=SHOP), instance("new", virtual_host=SHOP, tags=("v2",))
    assert served_by(routed(old, new, keys={"canary/shop-80": '{"v2": 0}'}), SHOP) == {"old": 1}
    assert served_by(routed(old, new, keys={"canary/shop-80": '{"v2": 100}'}), SHOP) == {"new": 1}
