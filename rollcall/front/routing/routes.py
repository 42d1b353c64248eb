"""From the catalog and the settings to what nginx serves: which host and path leads to which instances."""

from collections.abc import Iterable
from dataclasses import replace
from types import MappingProxyType

from rollcall.contract import maintenance_page
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing import claims, operator_keys, streams
from rollcall.front.routing.claims import Claim
from rollcall.front.routing.model import Location, Routing, Site
from rollcall.front.routing.sign_in import sign_in_service
from rollcall.front.routing.streams import Refused
from rollcall.front.routing.upstreams import Upstreams


def routing(catalog: Catalog, settings: Settings, refused: Refused = MappingProxyType({})) -> Routing:
    """Decide what nginx serves; the order of registrations makes no difference.

    `refused` are the ports of streams where the front cannot listen, with the reasons.

    Requests go to the instances that pass their checks. A host or path whose instances all fail keeps its location and
    gets a 502: the default site would be a wrong response.

    A default site without a registered instance has no name: a container that requests front.server_name gets it.
    """
    every = catalog.instances
    udp = [instance for instance in catalog.instances if instance.udp]
    catalog = replace(catalog, instances=tuple(instance for instance in catalog.instances if not instance.udp))
    sentences = maintenance_page.sentences(catalog.keys, settings.server_name)
    name = settings.server_name.lower()
    if not _has_default(catalog, settings):
        settings = replace(settings, server_name="")
    routed = [instance for instance in catalog.instances if instance.state == "passing"]
    instances = sorted(catalog.instances, key=_order)
    found = claims.collect(instances, settings)
    complaints = [*found.complaints, *claims.of_udp(udp, found, settings)]
    won = {place: claims.winner(place, made, complaints) for place, made in sorted(found.by_place.items())}
    services = {instance.service for instance in every}
    percentages = operator_keys.percentages(catalog.keys, services, complaints)
    upstreams = Upstreams(frozenset(routed), settings.weight, percentages, complaints)
    # The default site always exists, as a 404 if as nothing else.
    sites: dict[str, list[Location]] = {"": []}
    for (host, path), claim in won.items():
        upstream = "" if claim.options.redirect_to else upstreams.name(host, claim)
        sign_in = upstreams.name(host, asked) if (asked := sign_in_service(claim, instances, complaints)) else ""
        # The default site's maintenance page is also for its name, whichever service has that.
        sentence = sentences.get((host, path), sentences.get(("", path)) if host == name else None)
        sites.setdefault(host, []).append(_location(path, upstream, claim, sentence, sign_in))
    for host, path in operator_keys.pages_without_service(sentences, won, complaints):
        page = Location(path, "", maintenance=sentences[host, path], source="declared")
        sites.setdefault(host, []).append(page)
    passed = Upstreams(
        frozenset(instance for instance in every if instance.state == "passing"),
        settings.weight,
        percentages,
        complaints,
    )
    its_streams = streams.streams(sorted(every, key=_order), settings, passed, complaints, refused)
    return Routing(
        sites=tuple(Site(host, _longest_first(locations)) for host, locations in sorted(sites.items())),
        upstreams=tuple(upstreams.made.values()),
        complaints=tuple(dict.fromkeys(complaints)),
        server_name=settings.server_name,
        streams=its_streams,
        stream_upstreams=tuple(passed.made.values()),
    )


def _has_default(catalog: Catalog, settings: Settings) -> bool:
    """Whether the default site has a registered instance, or a route of group_data."""
    declared = any(route.host.lower() == settings.server_name.lower() for route in settings.routes)
    queries = settings.services
    return declared or any(claims.matches(instance, query) for query in queries for instance in catalog.instances)


def _order(instance: Instance) -> tuple[str, str, str]:
    return instance.service, instance.node, instance.identity


def _location(path: str, upstream: str, claim: Claim, sentence: str | None, sign_in: str) -> Location:
    options = claim.options
    return Location(
        path,
        upstream,
        options.protocol,
        options.strip,
        options.buffering,
        sentence,
        claim.source,
        options.policies,
        options.closed,
        options.redirect_to,
        sign_in,
    )


def _longest_first(locations: Iterable[Location]) -> tuple[Location, ...]:
    return tuple(sorted(locations, key=lambda location: (-len(location.path), location.path)))
