"""A catalog as people fill it, and what the front makes of it."""

from datetime import UTC, datetime
from typing import Any

from rollcall.components.front import front_config
from rollcall.config.settings import Front, Route
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import DeclaredRoute, Settings, read
from rollcall.front.routing.routes import Location, Routing, Upstream, routing

END = datetime(2027, 11, 28, tzinfo=UTC)
SETTINGS = read(front_config("front1", Front(server_name="www.example.com"), END))


def settings(*routes: DeclaredRoute, **more: Any) -> Settings:
    return Settings(**{**vars(SETTINGS), "routes": routes, **more})


def declared(service: str, host: str, **more: Any) -> DeclaredRoute:
    """A route of group_data as it stands there; what is not given is as it is by default."""
    return DeclaredRoute(**Route.model_construct(service=service, host=host, **more).model_dump())


def instance(name: str, service: str = "shop-80", port: int = 80, node: str = "app1", **more: Any) -> Instance:
    """An instance in the container `name`; whatever is not a field of its own is metadata."""
    fields = {
        key: more.pop(key) for key in ("tags", "state", "node_alive", "address", "weight_of_consul") if key in more
    }
    weight = fields.pop("weight_of_consul", 1)
    meta = tuple(sorted((key, str(value)) for key, value in more.items()))
    address = fields.pop("address", f"10.0.{len(name)}.{sum(map(ord, name)) % 256}")
    return Instance(service, f"{node}:{name}:{port}", node, address, port, meta=meta, weight=weight, **fields)


def routed(*instances: Instance, keys: dict[str, str] | None = None, settings: Settings = SETTINGS) -> Routing:
    return routing(Catalog(instances, keys or {}), settings)


def location(found: Routing, host: str, path: str = "/") -> Location:
    (site,) = [site for site in found.sites if site.host == host]
    (one,) = [one for one in site.locations if one.path == path]
    return one


def upstream(found: Routing, host: str, path: str = "/") -> Upstream:
    name = location(found, host, path).upstream
    (one,) = [one for one in found.upstreams if one.name == name]
    return one


def served_by(found: Routing, host: str, path: str = "/") -> dict[str, int]:
    """Containers and their weights behind a host and path."""
    return {one.instance.identity.split(":")[1]: one.weight for one in upstream(found, host, path).servers}


def places(found: Routing) -> set[tuple[str, str]]:
    return {(site.host, one.path) for site in found.sites for one in site.locations}


def complaints(found: Routing) -> list[str]:
    return [one.text for one in found.complaints]
