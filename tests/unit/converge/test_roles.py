"""Roles that a deploy would remove from a host."""

from dataclasses import replace

from rollcall.converge import docker_query, roles
from rollcall.converge.host_state import EMPTY, HostState
from rollcall.converge.resources import Container

FRONT = Container(name="front", image="x", component="front")
WEB = Container(name="web-1", image="x", component="services")


def state(**components: str) -> HostState:
    return HostState(replace(EMPTY, managed=frozenset(components), components=components))


def test_a_host_that_leaves_its_group_loses_the_role() -> None:
    assert roles.removed("app1", [WEB], state(front="front", consul="consul")) == [
        "app1 leaves fronts: this deploy removes its container front"
    ]
    assert roles.removed("app1", [], state(a="front", b="front")) == [
        "app1 leaves fronts: this deploy removes its containers a, b"
    ]


def test_a_partial_removal_does_not_remove_a_role() -> None:
    assert roles.removed("app1", [FRONT], state(front="front")) == []
    assert roles.removed("app1", [WEB], state(**{"web-1": "services", "web-2": "services"})) == []


def test_a_component_that_a_setting_turns_off_is_not_a_role() -> None:
    assert roles.removed("app1", [], state(keepalived="keepalived", dns="dns", templates="templates")) == []


def test_the_labels_are_read_from_the_list_of_containers() -> None:
    listing = '[{"Names": ["/front"], "Labels": {"rollcall.managed": "front"}}, {"Names": ["/old"], "Labels": null}]'
    found = docker_query.parse([listing], [])
    assert found.components == {"front": "front", "old": ""}
    assert found.managed == {"front", "old"}
