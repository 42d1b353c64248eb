"""A run of an earlier version: that declaration stands in the place of today's, and nothing else changes."""

from typing import Any

from rollcall.config.fleet import RawHost
from rollcall.config.layers import Layer, merged
from rollcall.deploy.services.scope import Scope
from rollcall.services.history import Placed, Record

NEW, OLD = ({"name": "shop", "image": f"shop:{minor}"} for minor in ("1.5", "1.4"))
WEB = {"name": "web", "image": "web:1"}


def host(name: str, *services: dict[str, Any]) -> RawHost:
    layers = (
        Layer("all.py", "all", {"x_mine": 1}),
        Layer("backends.py", "backends", {"services": [WEB]}),
        Layer("inventory.py", "", {"services": tuple(services)}),
    )
    return RawHost(name, frozenset({"backends"}), merged(layers), layers)


def applied(*hosts: RawHost) -> list[RawHost]:
    record = Record("shop", "shop:1.4", "deploy", "ann@laptop", "2026", (OLD,), {"app1": Placed(0)}, 1, 1)
    return list(Scope("shop", "rollback", record).applied(hosts))


def test_only_the_service_is_another_also_on_a_host_that_is_new_since() -> None:
    one, new = applied(host("app1", NEW), host("app2", NEW))
    assert one.data == {"x_mine": 1, "services": [WEB, OLD]} == new.data
    assert one.layers[2].source == "inventory.py"


def test_a_host_without_the_service_stays_as_it_is() -> None:
    assert [one.data for one in applied(host("app1"))] == [host("app1").data]


def test_without_a_version_everything_is_as_declared() -> None:
    assert list(Scope().applied([host("app1", NEW)])) == [host("app1", NEW)]
