"""What operators' keys in Consul's KV store do."""

import pytest
from front_catalog import complaints, instance, location, places, routed, served_by

SHOP = "shop.example.com"


@pytest.mark.parametrize(
    ("keys", "text"),
    [
        ({"canary/shop-80": "v2 = 10"}, " is not JSON; expected JSON such as"),
        ({"canary/shp-80": '{"v2": 10}'}, " is for a service that is not registered"),
        (
            {"maintenance/shop.example.com/x": ""},
            " is for a host and path that no service claims; nginx shows its page",
        ),
        ({"maintenance/_/x": ""}, " is for a host and path that no service claims; nginx shows its page"),
        ({"maintenance/shop.example.com/a//b": ""}, ": invalid host and path; expected one such as"),
        ({f"maintenance/{'a.' * 127}b": ""}, ": invalid host and path; expected one such as"),
        ({"maintenance/a b": ""}, ": invalid host and path; expected one such as"),
    ],
)
def test_a_key_without_effect_is_named(keys: dict[str, str], text: str) -> None:
    (name,) = keys
    found = routed(instance("one", virtual_host=SHOP), keys=keys)
    assert [complaint.startswith(f"Consul's key rollcall/front/{name}{text}") for complaint in complaints(found)] == [
        True
    ]
    assert served_by(found, SHOP) == {"one": 1}


def test_a_maintenance_page_replaces_only_its_own_route() -> None:
    found = routed(
        instance("one", virtual_host=SHOP),
        instance("two", "api-80", virtual_host=SHOP, virtual_path="/api"),
        keys={"maintenance/shop.example.com/api": "Back at five."},
    )
    assert location(found, SHOP, "/api").maintenance == "Back at five."
    assert location(found, SHOP).maintenance is location(found, "").maintenance is None


def test_a_maintenance_page_shows_without_any_registration() -> None:
    found = routed(keys={"maintenance/shop.example.com": "Back at five.", "maintenance/b.example.com/x": ""})
    one = location(found, SHOP)
    assert (one.maintenance, one.upstream) == ("Back at five.", "")
    assert places(found) == {("", "/"), (SHOP, "/"), ("b.example.com", "/x")}


@pytest.mark.parametrize("key", ["maintenance/_", "maintenance/www.example.com", "maintenance/WWW.example.com"])
def test_a_maintenance_page_of_the_default_site(key: str) -> None:
    assert location(routed(keys={key: ""}), "").maintenance == ""
