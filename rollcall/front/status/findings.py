"""Find problems in the routing and the catalog: sites without instances, lost nodes, missing servers."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from rollcall.contract.problems import Problem, Site, lost, short_of_servers, unserved, unserved_streams
from rollcall.contract.status_document import CONSUL
from rollcall.front.inputs.catalog import Catalog
from rollcall.front.routing.model import Routing


def of_catalog(routing: Routing, catalog: Catalog) -> list[Problem]:
    """Return the problems of the served sites and of the catalog's nodes."""
    servers = {instance.node: instance.node_alive for instance in catalog.instances if instance.service == CONSUL}
    dead = {instance.node for instance in catalog.instances if not instance.node_alive}
    counts = Counter(instance.node for instance in catalog.instances if instance.service != CONSUL)
    return [
        *unserved(_sites(routing, catalog)),
        *unserved_streams(_streams(routing, catalog)),
        *lost({node: counts[node] for node in dead}),
        *short_of_servers(
            (node for node, alive in servers.items() if alive), (node for node, alive in servers.items() if not alive)
        ),
    ]


def _sites(routing: Routing, catalog: Catalog) -> Iterator[Site]:
    states = _states(catalog)
    upstreams = {upstream.name: upstream for upstream in routing.upstreams}
    for site in routing.sites:
        for location in site.locations:
            if location.maintenance is None and not location.redirect_to:
                upstream = upstreams[location.upstream]
                its = {service: states.get(service, ()) for service in upstream.services}
                yield Site(site.host, location.path, len(upstream.servers), its, location.source)


def _streams(routing: Routing, catalog: Catalog) -> Iterator[Site]:
    states = _states(catalog)
    upstreams = {upstream.name: upstream for upstream in routing.stream_upstreams}
    for stream in routing.streams:
        upstream = upstreams[stream.upstream]
        its = {service: states.get(service, ()) for service in upstream.services}
        yield Site(str(stream.place), "/", len(upstream.servers), its, stream.source)


def _states(catalog: Catalog) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for instance in catalog.instances:
        found.setdefault(instance.service, []).append(instance.state)
    return found
