"""Build the status document, for the page, the metrics and `rollcall status`."""

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from rollcall.contract import canary
from rollcall.contract.backups import Record
from rollcall.contract.problems import Problem
from rollcall.contract.status_document import CONSUL, VERSION, Document, container_of
from rollcall.front.certificates.sites import Site as CertificateSite
from rollcall.front.inputs.catalog import Catalog, Instance, Owner
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.inputs.settings import Settings
from rollcall.front.nginx import open_connections
from rollcall.front.routing import rotation
from rollcall.front.routing.model import Routing, Upstream
from rollcall.front.routing.rotation import Rotation
from rollcall.front.status.changes import Noted

_Key = tuple[str, str]


@dataclass(frozen=True)
class Generation:
    """The configuration that nginx serves. `old` counts earlier ones whose workers still have connections."""

    number: int
    since: datetime
    reloads: int = 0
    old: int = 0
    last_reload_seconds: float | None = None


@dataclass(frozen=True)
class Counts:
    """Tries with one server since the start: all, those without a response or with a 5xx, and their seconds.

    Of a stream they are the connections that ended, with the bytes from and to clients.
    """

    requests: int = 0
    errors: int = 0
    seconds: float = 0.0
    received: int = 0
    sent: int = 0

    def __add__(self, more: "Counts") -> "Counts":
        """Return both together."""
        return Counts(
            self.requests + more.requests,
            self.errors + more.errors,
            self.seconds + more.seconds,
            self.received + more.received,
            self.sent + more.sent,
        )


@dataclass(frozen=True)
class Sight:
    """The front's state at one moment, from which the status document follows.

    `routing` is what nginx serves, `catalog` Consul's last one, without retained instances. `kept` are the retained
    instances, by node and identity; `listed` has the time since when an instance is in rotation, `counts` its tries;
    `connections` is nginx's stub_status, `opened` counts its connections to instances of streams; `cluster` is what
    Consul knows of itself; `backup` is its newest timed backup; `changes` begin with the newest.
    """

    settings: Settings
    started: datetime
    counting_since: datetime
    generation: Generation
    catalog: Catalog
    routing: Routing
    consul_template_since: datetime | None = None
    rendered: datetime | None = None
    kept: frozenset[_Key] = frozenset()
    listed: Rotation = field(default_factory=dict)
    counts: Mapping[Owner, Counts] = field(default_factory=dict)
    connections: Mapping[str, int] = field(default_factory=dict)
    opened: Mapping[open_connections.Server, int] = field(default_factory=dict)
    problems: tuple[Problem, ...] = ()
    cluster: Cluster = field(default_factory=Cluster)
    backup: Record | None = None
    changes: tuple[Noted, ...] = ()
    certificates: tuple[CertificateSite, ...] = ()


@dataclass(frozen=True)
class _Place:
    """An instance's weight in an upstream, and its share of the upstream's requests, 0 to 1."""

    weight: int
    share: float


def document(sight: Sight, now: datetime) -> Document:
    """Return the status document, as plain data for JSON."""
    return {
        "version": VERSION,
        "fleet": sight.settings.fleet,
        "node": sight.settings.node,
        "time": _time(now),
        "started": _time(sight.started),
        "counting_since": _time(sight.counting_since),
        "generation": _generation(sight),
        "problems": [_problem(problem) for problem in sight.problems],
        "consul_template": {
            "running": sight.consul_template_since is not None,
            "since": _time(sight.consul_template_since),
            "rendered": _time(sight.rendered),
        },
        "connections": dict(sight.connections),
        "routes": _routes(sight.routing),
        "streams": _streams(sight.routing),
        "certificates": [_certificate(site, sight.settings, now) for site in sight.certificates],
        "services": _services(sight),
        "servers": _servers(sight),
        "backups": _backups(sight),
        "hosts": _hosts(sight),
        "changes": [_change(noted) for noted in sight.changes],
    }


def _time(moment: datetime | None) -> str | None:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else None


def _problem(problem: Problem) -> Document:
    return {
        "kind": problem.kind,
        "severity": problem.severity,
        "text": problem.text,
        "subject": problem.subject,
        "since": _time(problem.since),
        "next": problem.step,
    }


def _change(noted: Noted) -> Document:
    change = noted.change
    return {"at": _time(noted.at), "subject": change.subject, "text": change.text, "about": change.about}


def _servers(sight: Sight) -> list[Document]:
    """Return Consul's servers, which are instances of its own service."""
    return [
        {
            "node": server.node,
            "address": server.address,
            "alive": server.node_alive,
            "leader": sight.cluster.leads(server),
            "voter": sight.cluster.votes(server),
        }
        for server in sight.catalog.instances
        if server.service == CONSUL
    ]


def _backups(sight: Sight) -> Document | None:
    """Return the fleet's timed backups; None if it makes none."""
    every, newest = sight.settings.backups_every, sight.backup
    return {"every": every, "newest": newest.to_json() if newest else None} if every else None


def _hosts(sight: Sight) -> list[Document]:
    """Return every host, also one without a service."""
    counts = Counter(instance.node for instance in sight.catalog.instances if instance.service != CONSUL)
    alive = {instance.node: instance.node_alive for instance in sight.catalog.instances} | dict(sight.cluster.hosts)
    return [{"node": node, "alive": alive[node], "instances": counts[node]} for node in sorted(alive)]


def _generation(sight: Sight) -> Document:
    generation = sight.generation
    return {
        "number": generation.number,
        "since": _time(generation.since),
        "instances": len({server.instance for upstream in sight.routing.every_upstream for server in upstream.servers}),
        "reloads": generation.reloads,
        "old": generation.old,
        "last_reload_seconds": generation.last_reload_seconds,
    }


def _routes(routing: Routing) -> list[Document]:
    services = {upstream.name: list(upstream.services) for upstream in routing.upstreams}
    return [
        {
            "host": site.host,
            "path": location.path,
            "strip": location.strip,
            "protocol": location.protocol,
            "upstream": location.upstream,
            "services": services.get(location.upstream, []),
            "maintenance": location.maintenance is not None,
            "source": location.source,
            "closed": location.closed,
            "redirect_to": location.redirect_to,
            "policies": dict(location.policies),
        }
        for site in routing.sites
        for location in site.locations
    ]


def _streams(routing: Routing) -> list[Document]:
    services = {upstream.name: list(upstream.services) for upstream in routing.stream_upstreams}
    return [
        {
            "port": stream.place.port,
            "protocol": stream.place.transport,
            "server_name": stream.place.name,
            "upstream": stream.upstream,
            "services": services.get(stream.upstream, []),
            "source": stream.source,
            "policies": dict(stream.policies),
        }
        for stream in routing.streams
    ]


def _certificate(site: CertificateSite, settings: Settings, now: datetime) -> Document:
    offer, state = site.offer, site.state
    return {
        "name": site.name,
        "source": "file" if offer and offer.own else "acme" if offer else "fleet",
        "file": offer.own if offer else settings.certificate_file,
        "issuer": offer.issuer if offer else "",
        "end": _time(offer.end) if offer else settings.certificate_end,
        "next_try": state.next_try or None,
        "error": site.error(now) or None,
    }


def _services(sight: Sight) -> list[Document]:
    upstreams = sight.routing.every_upstream
    known = {_key(server.instance): server.instance for upstream in upstreams for server in upstream.servers}
    known.update((_key(instance), instance) for instance in sight.catalog.instances if instance.service != CONSUL)
    by_service: dict[str, list[Instance]] = {service: [] for upstream in upstreams for service in upstream.services}
    for _, instance in sorted(known.items()):
        by_service.setdefault(instance.service, []).append(instance)
    registered = frozenset(map(_key, sight.catalog.instances))
    places = _places(upstreams)
    return [
        {
            "name": name,
            "upstreams": [upstream.name for upstream in upstreams if name in upstream.services],
            "versions": list(dict.fromkeys(instance.version for instance in instances if instance.version)),
            "canary": _canary(sight.catalog.keys, name),
            "instances": [
                _instance(instance, sight, _state(instance, sight.kept, registered), places.get(_key(instance)))
                for instance in instances
            ],
        }
        for name, instances in sorted(by_service.items())
    ]


def _instance(instance: Instance, sight: Sight, state: str, place: _Place | None) -> Document:
    counts = sight.counts.get(instance.counted_as, Counts())
    return {
        "id": instance.identity,
        "node": instance.node,
        "address": instance.endpoint,
        "container": container_of(instance.identity),
        "tags": list(instance.tags),
        "version": instance.version,
        "state": state,
        "weight": place.weight if place else instance.weight,
        "share": place.share if place else None,
        "listed_since": _time(sight.listed.get(rotation.place(instance))) if place else None,
        "requests": counts.requests,
        "errors": counts.errors,
        "seconds": round(counts.seconds, 3),
        "received": counts.received,
        "sent": counts.sent,
        # Its connections at this moment, those of HTTP too; None without a stream.
        "open": sight.opened.get(open_connections.server(instance)),
    }


def _state(instance: Instance, kept: Collection[_Key], registered: Collection[_Key]) -> str:
    if _key(instance) in kept:
        return "kept"
    return instance.state if _key(instance) in registered else "gone"


def _places(upstreams: Iterable[Upstream]) -> dict[_Key, _Place]:
    """Return each instance's place in an upstream, the first one of several."""
    places: dict[_Key, _Place] = {}
    for upstream in upstreams:
        every = sum(server.weight for server in upstream.servers)
        for server in upstream.servers:
            places.setdefault(_key(server.instance), _Place(server.weight, round(server.weight / every, 4)))
    return places


def _canary(keys: Mapping[str, str], service: str) -> dict[str, float] | None:
    """Read a service's canary, percent by tag; the problems name an invalid one."""
    try:
        percentages = canary.read(keys[canary.PREFIX + service])
    except (KeyError, ValueError):
        return None
    return {tag: float(part) for tag, part in percentages.items()}


def _key(instance: Instance) -> _Key:
    return instance.node, instance.identity
