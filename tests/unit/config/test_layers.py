"""Data of a host adds up section by section, and each value's place is known."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from rollcall.config.layers import Layer, assignments, leaves, merged, of_item

KEYS = st.sampled_from(["front", "consul", "extra", "port", "services"])
VALUES = st.recursive(
    st.integers(0, 9) | st.lists(st.integers(0, 9), max_size=2),
    lambda inner: st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=6,
)
# Lists of services add up instead: below.
TREES = st.dictionaries(KEYS.filter(lambda key: key != "services"), VALUES, max_size=3)
LAYERS = st.lists(TREES, max_size=4).map(
    lambda trees: [Layer(f"file{number}.py", "all", tree) for number, tree in enumerate(trees)]
)


def layers(*data: dict[str, Any]) -> list[Layer]:
    return [Layer(f"{number}.py", "all", one) for number, one in enumerate(data)]


def test_a_host_sets_one_key_of_a_section_and_keeps_the_others() -> None:
    weak = {"front": {"server_name": "www.example.com", "http_port": 80, "services": ["a", "b"]}}
    assert merged(layers(weak, {"front": {"http_port": 81, "services": ["c"]}})) == {
        "front": {"server_name": "www.example.com", "http_port": 81, "services": ["c"]}
    }


def test_sections_inside_sections_are_merged_too() -> None:
    weak = {"consul": {"extra": {"limits": {"http_max_conns": 1, "rpc_rate": 2}}}}
    strong = {"consul": {"extra": {"limits": {"rpc_rate": 3}}}}
    assert merged(layers(weak, strong)) == {"consul": {"extra": {"limits": {"http_max_conns": 1, "rpc_rate": 3}}}}


def test_what_is_no_section_replaces_one_and_is_replaced_by_one() -> None:
    assert merged(layers({"front": {"a": 1}}, {"front": "oops"})) == {"front": "oops"}
    assert merged(layers({"front": "oops"}, {"front": {"a": 1}})) == {"front": {"a": 1}}


def test_who_sets_a_value_and_whom_it_overrides() -> None:
    three = layers({"front": {"weight": 1}}, {"front": {"weight": 2}}, {"front": {"http_port": 81}})
    assert [(one.layer.source, one.value) for one in assignments(three, ("front", "weight"))] == [
        ("1.py", 2),
        ("0.py", 1),
    ]
    assert [one.layer.source for one in assignments(three, ("front", "http_port"))] == ["2.py"]
    assert assignments(three, ("front", "keep_lost")) == ()


def test_a_replaced_section_sets_nothing_any_more() -> None:
    assert assignments(layers({"front": {"weight": 1}}, {"front": "oops"}), ("front", "weight")) == ()


def test_an_item_of_a_list_stands_where_the_list_does() -> None:
    two = layers({"backends": [{"name": "a"}, {"name": "b"}]}, {"backends": [{"name": "c"}]})
    assert [one.layer.source for one in assignments(two, ("backends", 0, "name"))] == ["1.py", "0.py"]
    assert assignments(two, ("backends", 1, "name")) == ()


@given(LAYERS)
def test_every_value_is_that_of_the_strongest_layer_that_sets_it(found: list[Layer]) -> None:
    for path, value in leaves(merged(found)):
        strongest = assignments(found, path)[0]
        assert strongest.value == value or (value == {} and isinstance(strongest.value, dict))


@given(LAYERS)
def test_nothing_that_a_layer_sets_is_lost_unless_a_stronger_one_sets_it(found: list[Layer]) -> None:
    result = merged(found)
    for position, layer in enumerate(found):
        for path, value in leaves(layer.data):
            stronger = any(_touches(other.data, path) for other in found[position + 1 :])
            # An empty section sets nothing: it resets none.
            assert stronger or value == {} or _at(result, path) == value


def _touches(data: Any, path: tuple[str, ...]) -> bool:
    """Whether data sets a value at the path or at a part of it."""
    for part in path:
        if not isinstance(data, dict):
            return True
        if part not in data:
            return False
        data = data[part]
    return True


def _at(data: Any, path: tuple[str, ...]) -> Any:
    for part in path:
        data = data[part]
    return data


SERVICES = st.lists(st.lists(st.integers(0, 9), max_size=3), max_size=4).map(
    lambda lists: layers(*({"services": own} for own in lists))
)


@given(SERVICES)
def test_services_of_all_places_add_up_and_each_stands_in_one(several: list[Layer]) -> None:
    added = merged(several).get("services", [])
    assert added == [item for layer in several for item in layer.data["services"]]
    for position, item in enumerate(added):
        (layer,), (key, inside, *rest) = of_item(several, ("services", position, "image"))
        assert (key, rest) == ("services", ["image"])
        assert layer.data["services"][inside] == item


def test_services_that_are_no_list_are_left_to_the_check() -> None:
    assert merged(layers({"services": [1]}, {"services": "oops"})) == {"services": "oops"}
    assert merged(layers({"services": "oops"}, {"services": [1]})) == {"services": [1]}
