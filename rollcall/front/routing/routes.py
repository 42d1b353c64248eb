"""From the catalog and the settings to what nginx shall do: which host and path leads to which instances."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from rollcall.contract import canary, maintenance_page, route_metadata
from rollcall.contract.route_metadata import Protocol, ProxyOptions
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.settings import Settings
from rollcall.front.routing import weights

Source = Literal["default", "declared", "metadata"]

# The default site's upstream. A service's own have a dot in their names, which no service has.
BACKENDS = "backends"
PROXY_DEFAULTS = ProxyOptions()
# Who has a route that several want: what group_data says in detail, then at large, then what containers say.
PRECEDENCE: tuple[Source, ...] = ("declared", "default", "metadata")


@dataclass(frozen=True)
class Server:
    """One line of an upstream."""

    instance: Instance
    weight: int


@dataclass(frozen=True)
class Upstream:
    """Instances that share the requests of one or more locations; empty is answered with a 502.

    `exact`: the weights are a promise (a canary's), and not a measure of what each instance bears.
    """

    name: str
    servers: tuple[Server, ...]
    services: tuple[str, ...]
    exact: bool = False


@dataclass(frozen=True)
class Location:
    """A path prefix of a site. `maintenance` is None, or the sentence that visitors read instead.

    `upstream` is empty where there is such a sentence alone, and no service.
    """

    path: str
    upstream: str
    protocol: Protocol = "http"
    strip: bool = False
    buffering: bool = True
    maintenance: str | None = None
    source: Source = "metadata"


@dataclass(frozen=True)
class Site:
    """One host name with its locations, the longest path first; "" is whoever asks for none of the others."""

    host: str
    locations: tuple[Location, ...]


@dataclass(frozen=True)
class Complaint:
    """What could not be done as somebody asked, in one sentence; everything else was."""

    kind: Literal["conflict", "metadata", "canary", "maintenance"]
    text: str


@dataclass(frozen=True)
class Routing:
    """All that nginx serves. `server_name` is the default site's, "" for none."""

    sites: tuple[Site, ...]
    upstreams: tuple[Upstream, ...]
    complaints: tuple[Complaint, ...] = ()
    server_name: str = ""


Place = tuple[str, str]


@dataclass(frozen=True)
class Claim:
    """One service, or the front's own ones, that are to have a host and path; `instances` in whatever state."""

    source: Source
    services: tuple[str, ...]
    instances: tuple[Instance, ...]
    way: ProxyOptions = PROXY_DEFAULTS

    @property
    def rank(self) -> tuple[int, tuple[str, ...]]:
        """The lowest has the route."""
        return PRECEDENCE.index(self.source), self.services


@dataclass
class Asked:
    """Everything that is asked for, by host and path, and what is wrong with it."""

    claims: dict[Place, list[Claim]] = field(default_factory=dict)
    complaints: list[Complaint] = field(default_factory=list)


def routing(catalog: Catalog, settings: Settings) -> Routing:
    """Decide what nginx serves: the same for the same catalog, in whatever order things were registered.

    Requests go to the instances that pass their checks. A host or path whose instances all fail stays known and is
    answered with a 502, since the default site is no answer to it.

    A default site without a registered instance has no name of its own: whoever asks for front.server_name gets it.
    """
    sentences = maintenance_page.sentences(catalog.keys, settings.server_name)
    name = settings.server_name.lower()
    if not _has_default(catalog, settings):
        settings = replace(settings, server_name="")
    routed = [one for one in catalog.instances if one.state == "passing"]
    instances = sorted(catalog.instances, key=_order)
    asked = _asked(instances, settings)
    won = {place: _winner(place, claims, asked.complaints) for place, claims in sorted(asked.claims.items())}
    percentages = _percentages(catalog.keys, {one.service for one in instances}, asked.complaints)
    upstreams = _Upstreams(frozenset(routed), settings.weight, percentages, asked.complaints)
    # Whoever asks for no known host is answered, by a 404 if by nothing else.
    sites: dict[str, list[Location]] = {"": []}
    for (host, path), claim in won.items():
        upstream = upstreams.name(host, claim)
        # The default site's maintenance page is for its name, too, whoever has that.
        sentence = sentences.get((host, path), sentences.get(("", path)) if host == name else None)
        sites.setdefault(host, []).append(_location(path, upstream, claim, sentence))
    for host, path in _of_nobody(sentences, won, asked.complaints):
        page = Location(path, "", maintenance=sentences[host, path], source="declared")
        sites.setdefault(host, []).append(page)
    return Routing(
        sites=tuple(Site(host, _longest_first(locations)) for host, locations in sorted(sites.items())),
        upstreams=tuple(upstreams.made.values()),
        complaints=tuple(dict.fromkeys(asked.complaints)),
        server_name=settings.server_name,
    )


def _has_default(catalog: Catalog, settings: Settings) -> bool:
    """Tell whether the default site has a registered instance, or a route of group_data."""
    declared = any(route.host.lower() == settings.server_name.lower() for route in settings.routes)
    return declared or any(matches(one, query) for query in settings.services for one in catalog.instances)


def matches(instance: Instance, query: str) -> bool:
    """Whether an instance belongs to "name" or "tag.name"."""
    tag, _, name = query.rpartition(".")
    return instance.service == name and (not tag or tag in instance.tags)


def _order(instance: Instance) -> tuple[str, str, str]:
    return instance.service, instance.node, instance.identity


def _location(path: str, upstream: str, claim: Claim, sentence: str | None) -> Location:
    way = claim.way
    return Location(path, upstream, way.protocol, way.strip, way.buffering, sentence, claim.source)


def _longest_first(locations: Iterable[Location]) -> tuple[Location, ...]:
    return tuple(sorted(locations, key=lambda one: (-len(one.path), one.path)))


def _asked(instances: Sequence[Instance], settings: Settings) -> Asked:
    asked = Asked()
    by_service: dict[str, list[Instance]] = {}
    for instance in instances:
        by_service.setdefault(instance.service, []).append(instance)

    def members(query: str) -> tuple[Instance, ...]:
        return tuple(one for one in by_service.get(query.rpartition(".")[2], ()) if matches(one, query))

    found = dict.fromkeys(one for query in settings.services for one in members(query))
    names = tuple(dict.fromkeys(query.rpartition(".")[2] for query in settings.services))
    if names:
        asked.claims["", "/"] = [Claim("default", names, tuple(found))]
    for route in settings.routes:
        way = ProxyOptions(route.protocol, route.strip, route.buffering)
        claim = Claim("declared", (route.service.rpartition(".")[2],), members(route.service), way)
        asked.claims.setdefault((_site(route.host, settings), route_metadata.path(route.path)), []).append(claim)
    for service, its in sorted(by_service.items()):
        _ask_by_metadata(asked, service, its, settings)
    return asked


def _site(host: str, settings: Settings) -> str:
    return "" if host.lower() == settings.server_name.lower() else host.lower()


def _ask_by_metadata(asked: Asked, service: str, instances: Sequence[Instance], settings: Settings) -> None:
    wanted: dict[Place, dict[ProxyOptions, list[Instance]]] = {}
    for instance in instances:
        try:
            wanting = route_metadata.read(dict(instance.meta))
            if wanting:
                route_metadata.check_service(service)
        except ValueError as error:
            named = f"{route_metadata.cut(instance.identity)} of {route_metadata.cut(service)}"
            text = f"{named} gets no requests by its metadata: {error}"
            asked.complaints.append(Complaint("metadata", text))
            continue
        if wanting is None:
            continue
        for host in wanting.hosts:
            place = (_site(host, settings), wanting.path)
            wanted.setdefault(place, {}).setdefault(wanting.options, []).append(instance)
    for place, ways in wanted.items():
        way = _most_common(ways)
        asked.claims.setdefault(place, []).append(Claim("metadata", (service,), tuple(ways[way]), way))
        for other in ways.keys() - {way}:
            asked.complaints.extend(_of_another_mind(place, one, way) for one in ways[other])


def _most_common(ways: Mapping[ProxyOptions, Sequence[Instance]]) -> ProxyOptions:
    """Return what most instances say; of equals, what the one says whose id sorts first."""
    return min(ways, key=lambda way: (-len(ways[way]), min(one.identity for one in ways[way])))


def _of_another_mind(place: Place, instance: Instance, way: ProxyOptions) -> Complaint:
    said = f"{way.protocol}, prefix {'removed' if way.strip else 'kept'}, buffering {'on' if way.buffering else 'off'}"
    return Complaint(
        "metadata",
        f"{instance.identity} of {instance.service} gets no requests of {_spelled(place)}: most instances say {said}; "
        "expected the same for all",
    )


def _winner(place: Place, claims: Sequence[Claim], complaints: list[Complaint]) -> Claim:
    """Decide who has a host and path. Whoever declares a route to the front's own services' place means it."""
    first, *others = sorted(claims, key=lambda claim: claim.rank)
    because = "as the name that sorts first" if first.source == "metadata" else "by group_data"
    for other in others:
        also = set(other.services) <= set(first.services)
        if not also and (other.source, first.source) != ("default", "declared"):
            text = (
                f"{_spelled(place)} goes to {_named(first)} {because}, and not to {_named(other)}, which wants it too"
            )
            complaints.append(Complaint("conflict", text))
    return first


def _named(claim: Claim) -> str:
    return " and ".join(claim.services)


def _spelled(place: Place) -> str:
    host, path = place
    return f"{host or 'the default site'}{' ' if not host else ''}{path}"


def _percentages(
    keys: Mapping[str, str], services: set[str], complaints: list[Complaint]
) -> Mapping[str, canary.Percentages]:
    found = {}
    for key, value in sorted(keys.items()):
        if not key.startswith(canary.PREFIX):
            continue
        service = key.removeprefix(canary.PREFIX)
        named = f"Consul's key rollcall/front/{key}"
        if service not in services:
            complaints.append(Complaint("canary", f"{named} is for a service that is not registered"))
            continue
        try:
            found[service] = canary.read(value)
        except ValueError as error:
            complaints.append(Complaint("canary", f"{named} {error}"))
    return found


def _of_nobody(sentences: Mapping[Place, str], known: Mapping[Place, Claim], complaints: list[Complaint]) -> set[Place]:
    """Return the places of maintenance pages that no service asks for: while all is down, visitors are to read why."""
    found = set()
    for host, path in sorted(sentences.keys() - known.keys()):
        place = f"{host or maintenance_page.DEFAULT_HOST}{path.rstrip('/')}"
        key = f"Consul's key rollcall/front/{maintenance_page.PREFIX}{place}"
        if _is_place(host, path):
            text = f"{key} is for a host and path that no service asks for; its page is shown all the same"
            found.add((host, path))
        else:
            text = f"{key} names no host and path; expected one such as {maintenance_page.PREFIX}shop.example.com/api"
        complaints.append(Complaint("maintenance", text))
    return found


def _is_place(host: str, path: str) -> bool:
    try:
        return (host == "" or route_metadata.host(host) == host) and route_metadata.path(path) == path
    except ValueError:
        return False


class _Upstreams:
    """The upstreams made so far: locations with the same instances share one, and so its connections and failures."""

    def __init__(
        self,
        routed: frozenset[Instance],
        weight: int,
        percentages: Mapping[str, canary.Percentages],
        complaints: list[Complaint],
    ) -> None:
        self.made: dict[object, Upstream] = {}
        self._routed = routed
        self._weight = weight
        self._percentages = percentages
        self._complaints = complaints
        self._of_name: dict[str, int] = {}

    def name(self, host: str, claim: Claim) -> str:
        """Name the upstream of a claim at a host; it is made if there is none yet."""
        instances = self._instances(claim)
        # A connection by TLS is one to a name, and is not to be used for another.
        secured = host if claim.way.protocol in ("https", "grpcs") else ""
        key = (claim.source == "default", claim.services, claim.way.protocol, secured, instances)
        if key not in self.made:
            self.made[key] = self._upstream(self._new_name(claim), claim.services, instances)
        return self.made[key].name

    def _instances(self, claim: Claim) -> tuple[Instance, ...]:
        """Return those that get requests, each address once: one may be registered for two services."""
        by_endpoint = {one.endpoint: one for one in reversed(claim.instances) if one in self._routed}
        return tuple(by_endpoint[endpoint] for endpoint in sorted(by_endpoint))

    def _new_name(self, claim: Claim) -> str:
        if claim.source == "default":
            return BACKENDS
        # nginx takes Shop for shop; two of one name, and it would take no configuration at all.
        name = f"{claim.services[0]}.{claim.way.protocol}".lower()
        self._of_name[name] = self._of_name.get(name, 0) + 1
        return name if self._of_name[name] == 1 else f"{name}.{self._of_name[name]}"

    def _upstream(self, name: str, services: tuple[str, ...], instances: tuple[Instance, ...]) -> Upstream:
        own = {one: self._own_weight(one) for one in instances}
        exact = any(one.service in self._percentages for one in instances)
        whole = weights.whole(weights.with_canaries(own, self._percentages)) if exact else own
        servers = tuple(Server(one, whole[one]) for one in instances if whole[one])
        return Upstream(name, servers, services, exact)

    def _own_weight(self, instance: Instance) -> int:
        """Return what the container says, else the registration, else the front's settings."""
        registered = instance.weight if instance.weight > 1 else self._weight
        try:
            return route_metadata.weight(dict(instance.meta)) or registered
        except ValueError as error:
            text = f"{instance.identity} of {instance.service} has the weight {registered} instead of its own: {error}"
            self._complaints.append(Complaint("metadata", text))
            return registered
