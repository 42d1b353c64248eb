"""A front with two services, as the tests of its status look at it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from rollcall.components.front import front_config
from rollcall.config.settings import Front
from rollcall.contract.problems import Problem
from rollcall.contract.status_document import Document
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import read
from rollcall.front.routing import rotation
from rollcall.front.routing.model import Location, Routing, Server, Site, Upstream
from rollcall.front.status.document import Counts, Generation, Sight, document

NOW = datetime(2026, 11, 26, 3, 0, 0, tzinfo=UTC)
SETTINGS = read(
    front_config(
        "shop-fleet", "front1", Front(server_name="www.example.com", services=("nginx-80",)), NOW + timedelta(days=300)
    )
)


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def instance(container: str, node: str = "app1", service: str = "nginx-80", **more: Any) -> Instance:
    """One of a service; its port follows from its name, so that no two have the same."""
    port = more.pop("port", 20000 + sum(map(ord, container)))
    return Instance(service, f"{node}:{container}:80", node, "10.77.0.5", port, **more)


def sight(**more: Any) -> Sight:
    """Two instances of nginx-80 behind the default site, one of shop-80 behind a host of its own."""
    nginx = [instance("nginx-1"), instance("nginx-2", node="app2")]
    shop = instance("shop-1", service="shop-80", tags=("v2",), weight=3)
    upstreams = (
        Upstream("backends", tuple(Server(instance, 1) for instance in nginx), ("nginx-80",)),
        Upstream("shop", (Server(shop, 3),), ("shop-80",)),
    )
    sites = (
        Site("", (Location("/", "backends", source="default"),)),
        Site("shop.example.com", (Location("/api", "shop", strip=True),)),
    )
    listed = {rotation.place(instance): ago(60) for instance in (*nginx, shop)}
    given: dict[str, Any] = {
        "settings": SETTINGS,
        "started": ago(3600),
        "counting_since": ago(3600),
        "generation": Generation(12, ago(60), 11, 1, 0.067),
        "catalog": Catalog((*nginx, shop)),
        "routing": Routing(sites, upstreams),
        "consul_template_since": ago(3600),
        "rendered": ago(60),
        "listed": listed,
        "counts": {nginx[0].counted_as: Counts(10, 1, 0.8)},
        "connections": {
            "active": 3,
            "reading": 0,
            "writing": 1,
            "waiting": 2,
            "accepted": 9,
            "handled": 9,
            "requests": 40,
        },
    }
    return Sight(**{**given, **more})


def problem(text: str, kind: str = "refused") -> Problem:
    return Problem(kind, text, ago(5))


def seen(**more: Any) -> Document:
    return document(sight(**more), NOW)
