"""Containers that say where they want to be reached are reached there: what the front's nginx has, against Docker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from rollcall.config.fleet import Member
from rollcall.contract import route_metadata
from rollcall.contract.route_metadata import ProxyOptions, RouteMetadata
from rollcall.contract.timeouts import stretched
from rollcall.registrator.services.services import Service
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import FOLLOW_SECONDS
from rollcall.verify.cluster import Cluster

Says = Callable[[str], None]


def test_wished_hosts(cluster: Cluster, says: Says, remark: Says) -> None:
    """Every passing container is in nginx's list for each host that it names"""
    for front in cluster.fronts:
        left = wait_until_none(lambda front=front: _problems(cluster, front), FOLLOW_SECONDS)
        if left:
            command = cluster.shown(front.name, "docker exec front front status")
            raise CheckError(
                f"containers at the hosts that they name, within {stretched(FOLLOW_SECONDS):g} s", left, command
            )
        wished = _wished(cluster, front)
        for text in wished.contested:
            remark(f"{front.name}: {text}; rollcall status {cluster.source} says who has it")
        endpoints = {one for its in wished.endpoints.values() for one in its}
        says(
            f"{front.name} leads to {len(endpoints)} services at the {len(wished.endpoints)} host names they ask for"
            if endpoints
            else f"no container asks {front.name} for a host name"
        )


def _problems(cluster: Cluster, front: Member) -> list[str]:
    """A host may lead to more than those that name it, by settings; or to a maintenance page, by an operator's wish."""
    cluster.look_at_containers()
    served = cluster.nginx_sites(front)
    return [
        f"{front.name}: {host} does not lead to {endpoint}, which asks for it"
        for host, endpoints in sorted(_wished(cluster, front).endpoints.items())
        for endpoint in sorted(endpoints)
        if host not in served.closed and endpoint not in served.hosts.get(host, ())
    ]


@dataclass(frozen=True)
class _Wished:
    """The endpoints that each host must lead to, and in a sentence each the places that several services ask for."""

    endpoints: Mapping[str, frozenset[str]]
    contested: tuple[str, ...]


def _wished(cluster: Cluster, front: Member) -> _Wished:
    """Return what passing instances ask for and must get: what is contested, or badly said, need not be theirs."""
    passing = {(one.node, one.id): one.endpoint for one in cluster.catalog.instances() if one.passing}
    places: dict[tuple[str, str], dict[str, dict[str, ProxyOptions]]] = {}
    for member in cluster.members:
        for service in cluster.expected(member).services.values():
            wanted = _routes(service)
            if wanted is not None and (endpoint := passing.get((member.node, service.id))):
                for host in wanted.hosts:
                    place = places.setdefault((host, wanted.path), {})
                    place.setdefault(service.name.lower(), {})[endpoint] = wanted.options
    found: dict[str, frozenset[str]] = {}
    contested = []
    taken = _taken(cluster, front)
    for (host, path), services in places.items():
        ways = {way for endpoints in services.values() for way in endpoints.values()}
        if (host, path) in taken or len(services) > 1 or len(ways) > 1:
            contested.append(f"{host}{path} is asked for by {' and '.join(sorted(services))} and not theirs alone")
            continue
        (endpoints,) = services.values()
        found[host] = found.get(host, frozenset()) | endpoints.keys()
    return _Wished(found, tuple(contested))


def _routes(service: Service) -> RouteMetadata | None:
    """Read where a service wants to be reached; None where it does not, or says it badly, which costs it the route."""
    try:
        route_metadata.check_service(service.name)
        return route_metadata.read(service.meta)
    except ValueError:
        return None


def _taken(cluster: Cluster, front: Member) -> frozenset[tuple[str, str]]:
    """Return the places that group_data gives to a service: they come before what containers ask for."""
    settings = front.settings.front
    routes = {(route.host.lower(), route_metadata.path(route.path)) for route in settings.routes}
    has_instances = any(
        one.service == query.rpartition(".")[2] for query in settings.services for one in cluster.catalog.instances()
    )
    default = {(settings.server_name.lower(), "/")} if settings.server_name and has_instances else set()
    return frozenset(routes | default)
