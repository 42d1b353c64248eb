"""Since when an instance is in rotation: for itself, not for an address."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from front_catalog import instance

from rollcall.contract.service_protocol import MARK_CONTAINER
from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.model import Routing, Server, Upstream
from rollcall.front.routing.rotation import following, place

NOW = datetime(2026, 11, 29, tzinfo=UTC)
LATER = NOW + timedelta(minutes=1)
ONE = instance("shop-1", **{MARK_CONTAINER: "aaa"})


def serving(*instances: Instance) -> Routing:
    servers = tuple(Server(one, 1) for one in instances)
    return Routing((), (Upstream("a", servers[:1], ("shop-80",)),), stream_upstreams=(Upstream("b", servers, ("x",)),))


def test_who_stays_keeps_its_time_and_who_joins_begins() -> None:
    other = instance("shop-2")
    before = following({}, serving(ONE), NOW)
    assert following(before, serving(ONE, other), LATER) == {place(ONE): NOW, place(other): LATER}
    assert following(before, serving(other), LATER) == {place(other): LATER}


def test_a_renamed_container_stays_in_rotation() -> None:
    renamed = replace(ONE, identity="app1:shop-9:80")
    assert following(following({}, serving(ONE), NOW), serving(renamed), LATER) == {place(renamed): NOW}


def test_another_container_at_its_address_begins_and_so_does_one_that_comes_back_at_another() -> None:
    before = following({}, serving(ONE), NOW)
    another = replace(ONE, meta=((MARK_CONTAINER, "bbb"),))
    moved = replace(ONE, port=81)
    for one in (another, moved):
        assert following(before, serving(one), LATER) == {place(one): LATER}
