"""Check that the fronts route each host name that a container sets, by nginx's configuration and Docker."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial

from rollcall.config.fleet import Member
from rollcall.contract import route_metadata
from rollcall.contract.route_metadata import ProxyOptions, RouteMetadata
from rollcall.contract.timeouts import stretched
from rollcall.registrator.services.services import Service
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import FOLLOW_TIMEOUT_SECONDS
from rollcall.verify.cluster import Cluster

Report = Callable[[str], None]


def test_requested_hosts(cluster: Cluster, passed: Report, remark: Report) -> None:
    """Every passing container is in nginx's rotation for each host name that it sets"""
    for front in cluster.fronts:
        problems = partial(_problems, cluster, front)
        left = wait_until_none(problems, FOLLOW_TIMEOUT_SECONDS, cluster.begun, cluster.probe_containers)
        if left:
            command = cluster.command_line(front.name, "docker exec front front status")
            raise CheckError(
                f"containers at the host names that they set, within {stretched(FOLLOW_TIMEOUT_SECONDS):g} s",
                left,
                command,
            )
        found = _requested(cluster, front)
        for text in found.contested:
            remark(f"{front.name}: {text}; rollcall status {cluster.source} shows the winner")
        endpoints = {endpoint for own in found.endpoints.values() for endpoint in own}
        passed(
            f"{front.name} leads to {len(endpoints)} instances at the {len(found.endpoints)} host names that they set"
            if endpoints
            else f"no container behind {front.name} sets a host name"
        )


def _problems(cluster: Cluster, front: Member) -> list[str]:
    """Return the missing routes. A host may also lead to other instances by settings, or to a maintenance page."""
    served = cluster.nginx_sites(front)
    return [
        f"{front.name}: {host} does not lead to {endpoint}, which sets it"
        for host, endpoints in sorted(_requested(cluster, front).endpoints.items())
        for endpoint in sorted(endpoints)
        if host not in served.closed and endpoint not in served.hosts.get(host, ())
    ]


@dataclass(frozen=True)
class _Requested:
    """The endpoints that each host must lead to, and one sentence per place that several services claim."""

    endpoints: Mapping[str, frozenset[str]]
    contested: tuple[str, ...]


def _requested(cluster: Cluster, front: Member) -> _Requested:
    """Return the routes that passing instances must get; not the contested and invalid ones."""
    passing = {
        (instance.node, instance.id): instance.endpoint for instance in cluster.catalog.instances() if instance.passing
    }
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
        variants = {options for endpoints in services.values() for options in endpoints.values()}
        if (host, path) in taken or len(services) > 1 or len(variants) > 1:
            contested.append(f"{host}{path} is contested; claimed by {' and '.join(sorted(services))}")
            continue
        (endpoints,) = services.values()
        found[host] = found.get(host, frozenset()) | endpoints.keys()
    return _Requested(found, tuple(contested))


def _routes(service: Service) -> RouteMetadata | None:
    """Read the route that a service sets; None without one, or for an invalid one."""
    try:
        route_metadata.check_service(service.name)
        return route_metadata.read(service.meta)
    except ValueError:
        return None


def _taken(cluster: Cluster, front: Member) -> frozenset[tuple[str, str]]:
    """Return the places that group_data assigns, which take precedence over containers."""
    settings = front.settings.front
    routes = {(route.host.lower(), route_metadata.path(route.path)) for route in settings.routes}
    has_instances = any(
        instance.service == query.rpartition(".")[2]
        for query in settings.services
        for instance in cluster.catalog.instances()
    )
    default = {(settings.server_name.lower(), "/")} if settings.server_name and has_instances else set()
    return frozenset(routes | default)
