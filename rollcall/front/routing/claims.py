"""Which service gets which host and path: claims of group_data and of containers, and who wins."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache

from rollcall.contract import route_metadata
from rollcall.contract.route_metadata import CLOSED, CLOSING, ProxyOptions, RouteMetadata
from rollcall.front.inputs.catalog import Instance
from rollcall.front.inputs.settings import DeclaredRoute, Settings
from rollcall.front.routing import default_site
from rollcall.front.routing.model import Complaint, Source

# Who wins a route that several claim: group_data's routes, then its default site, then containers.
PRECEDENCE: tuple[Source, ...] = ("declared", "default", "metadata")
DEFAULT_OPTIONS = ProxyOptions()

Place = tuple[str, str]


@dataclass(frozen=True)
class Claim:
    """A service's claim to a host and path, or that of the front's own services; `instances` are in any state."""

    source: Source
    services: tuple[str, ...]
    instances: tuple[Instance, ...]
    options: ProxyOptions = DEFAULT_OPTIONS

    @property
    def rank(self) -> tuple[int, bool, tuple[str, ...]]:
        """The sort key; the lowest claim wins. A name that a service wants comes before one that only redirects."""
        return PRECEDENCE.index(self.source), bool(self.options.redirect_to), self.services


@dataclass
class Claims:
    """Every claim by host and path, and what is wrong with some."""

    by_place: dict[Place, list[Claim]] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)

    def add(self, place: Place, claim: Claim) -> None:
        """Add a claim to a host and path."""
        self.by_place.setdefault(place, []).append(claim)


def matches(instance: Instance, query: str) -> bool:
    """Whether an instance belongs to "name" or "tag.name"."""
    tag, _, name = query.rpartition(".")
    return instance.service == name and (not tag or tag in instance.tags)


def collect(instances: Sequence[Instance], settings: Settings) -> Claims:
    """Collect the claims of group_data and of containers' metadata."""
    claims = Claims()
    by_service: dict[str, list[Instance]] = {}
    for instance in instances:
        by_service.setdefault(instance.service, []).append(instance)

    def members(query: str) -> tuple[Instance, ...]:
        candidates = by_service.get(query.rpartition(".")[2], ())
        return tuple(instance for instance in candidates if matches(instance, query))

    default = default_site.open_instances(
        (instance for query in settings.services for instance in members(query)), claims.complaints
    )
    names = tuple(dict.fromkeys(query.rpartition(".")[2] for query in settings.services))
    if names:
        claims.add(("", "/"), Claim("default", names, default))
    for route in settings.routes:
        options = ProxyOptions(route.protocol, route.strip, route.buffering, route.policies)
        claim = Claim("declared", (route.service.rpartition(".")[2],), members(route.service), options)
        claims.add((_site(route.host, settings), route_metadata.path(route.path)), claim)
        _add_redirects(claims, claim, route, settings)
    for service, own in sorted(by_service.items()):
        _collect_metadata(claims, service, own, settings)
    return claims


def of_udp(instances: Sequence[Instance], claims: Claims, settings: Settings) -> list[Complaint]:
    """Complain about UDP services that request a host name which no other service has.

    Metadata without a port number is every port's: a container's UDP port usually stands beside a TCP one.
    """
    hosts = {host for host, _ in claims.by_place}
    complaints = []
    for instance in sorted(instances, key=lambda instance: (instance.service, instance.node, instance.identity)):
        with suppress(ValueError):
            route = _requested(instance.meta)
            if route and not hosts.issuperset(_site(host, settings) for host in route.hosts):
                text = f"{_named_instance(instance)} takes UDP, so it gets no requests of {', '.join(route.hosts)}"
                complaints.append(Complaint("metadata", text))
    return complaints


@lru_cache(maxsize=8192)
def _requested(meta: tuple[tuple[str, str], ...]) -> RouteMetadata | None:
    """Return the route of an instance's metadata, which stays the same while other instances come and go."""
    return route_metadata.read(dict(meta))


def winner(place: Place, claims: Sequence[Claim], complaints: list[Complaint]) -> Claim:
    """Choose the claim that gets a host and path. A declared route overrides the default site without a complaint."""
    first, *others = sorted(claims, key=lambda claim: claim.rank)
    because = "as the name that sorts first" if first.source == "metadata" else "by group_data"
    for other in others:
        also = set(other.services) <= set(first.services)
        if not also and (other.source, first.source) != ("default", "declared"):
            text = f"{_spelled(place)} goes to {_named(first)} {because}; {_named(other)} claims it too"
            complaints.append(Complaint("conflict", text))
    return first


def _site(host: str, settings: Settings) -> str:
    return "" if host.lower() == settings.server_name.lower() else host.lower()


def _collect_metadata(claims: Claims, service: str, instances: Sequence[Instance], settings: Settings) -> None:
    requested: dict[Place, dict[ProxyOptions, list[Instance]]] = {}
    for instance in instances:
        try:
            route = _requested(instance.meta)
            if route:
                route_metadata.check_service(service)
        except ValueError as error:
            text = f"{_named_instance(instance)} gets no requests because of its metadata: {error}"
            claims.complaints.append(Complaint("metadata", text))
            continue
        if route is None:
            continue
        for fault in route.faults:
            claims.complaints.append(Complaint("metadata", f"{_named_instance(instance)}: {fault}"))
        options = route.options
        if unknown := _unknown_users(options, settings):
            claims.complaints.append(Complaint("metadata", f"{_named_instance(instance)}: {unknown}"))
            options = CLOSED
        for host in route.hosts:
            place = (_site(host, settings), route.path)
            requested.setdefault(place, {}).setdefault(options, []).append(instance)
        for host in route.redirects:
            place = (_site(host, settings), "/")
            target = ProxyOptions(redirect_to=route.hosts[0])
            requested.setdefault(place, {}).setdefault(target, []).append(instance)
    for place, by_options in requested.items():
        options = _most_common(by_options)
        claim = Claim("metadata", (service,), tuple(by_options[options]), options)
        claims.add(place, claim)
        for other in by_options.keys() - {options}:
            claims.complaints.extend(_outvoted(place, instance, options) for instance in by_options[other])


def _most_common(by_options: Mapping[ProxyOptions, Sequence[Instance]]) -> ProxyOptions:
    """Return the options of most instances; of equals, those of the instance whose id sorts first."""
    return min(
        by_options,
        key=lambda options: (-len(by_options[options]), min(instance.identity for instance in by_options[options])),
    )


def _outvoted(place: Place, instance: Instance, options: ProxyOptions) -> Complaint:
    return Complaint(
        "metadata",
        f"{instance.identity} of {instance.service} gets no requests of {_spelled(place)}: most instances have "
        f"{_described(options)}; expected the same for all",
    )


def _described(options: ProxyOptions) -> str:
    if options.closed:
        return "a value that closes it"
    if options.redirect_to:
        return f"a redirect to {options.redirect_to}"
    prefix, buffering = "removed" if options.strip else "kept", "on" if options.buffering else "off"
    policies = [f"{key} {route_metadata.cut(value)}" for key, value in options.policies]
    return ", ".join([options.protocol, f"prefix {prefix}", f"buffering {buffering}", *policies])


def _unknown_users(options: ProxyOptions, settings: Settings) -> str:
    """Return why a list of users cannot be asked; "" if it can, or if none is named."""
    users = options.policy("basic_auth")
    if not users or users in settings.users:
        return ""
    known = f"one of {', '.join(settings.users)}" if settings.users else "a list of front.users, which has none"
    return f"{CLOSING}: virtual_basic_auth: got {users!r}; expected {known}"


def _add_redirects(claims: Claims, claim: Claim, route: DeclaredRoute, settings: Settings) -> None:
    """Claim the host names that redirect to a declared route."""
    target = replace(claim, options=ProxyOptions(redirect_to=route.host))
    for host in route_metadata.redirects([route.host], claim.options.policy("redirect_from")):
        claims.add((_site(host, settings), "/"), target)


def _named_instance(instance: Instance) -> str:
    return f"{route_metadata.cut(instance.identity)} of {route_metadata.cut(instance.service)}"


def _named(claim: Claim) -> str:
    return " and ".join(claim.services)


def _spelled(place: Place) -> str:
    host, path = place
    return f"{host or 'the default site'}{' ' if not host else ''}{path}"
