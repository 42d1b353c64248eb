"""Build catalogs, and inspect the routing that the front makes of them."""

from datetime import UTC, datetime
from typing import Any

from rollcall.components.front import declared_route, front_config
from rollcall.config.settings import Front, Route
from rollcall.contract.policies import table
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import DeclaredRoute, Settings, read
from rollcall.front.routing.model import Location, Routing, Upstream
from rollcall.front.routing.routes import routing

END = datetime(2027, 11, 28, tzinfo=UTC)
SETTINGS = read(front_config("shop-fleet", "front1", Front(server_name="www.example.com"), END))


def settings(*routes: DeclaredRoute, **more: Any) -> Settings:
    return Settings(**{**vars(SETTINGS), "routes": routes, **more})


def declared(service: str, host: str, **more: Any) -> DeclaredRoute:
    """Make a route of group_data, with the defaults for what is not given."""
    route = declared_route(Route.model_construct(service=service, host=host, **more))
    return DeclaredRoute(**{**route, "policies": table.ordered(route["policies"])})


def instance(name: str, service: str = "shop-80", port: int = 80, node: str = "app1", **more: Any) -> Instance:
    """Make an instance of the container `name`; keywords that are not fields become metadata."""
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
    (one,) = [location for location in site.locations if location.path == path]
    return one


def upstream(found: Routing, host: str, path: str = "/") -> Upstream:
    name = location(found, host, path).upstream
    (one,) = [upstream for upstream in found.upstreams if upstream.name == name]
    return one


def served_by(found: Routing, host: str, path: str = "/") -> dict[str, int]:
    """Return the containers and their weights behind a host and path."""
    return {server.instance.identity.split(":")[1]: server.weight for server in upstream(found, host, path).servers}


def places(found: Routing) -> set[tuple[str, str]]:
    return {(site.host, location.path) for site in found.sites for location in site.locations}


def complaints(found: Routing) -> list[str]:
    return [complaint.text for complaint in found.complaints]
