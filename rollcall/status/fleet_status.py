"""Docker, Consul and nginx joined: every service's instances as each of the three sees them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import Any

from rollcall.config.fleet import Fleet, Member
from rollcall.contract.status_document import CONSUL, Document, container_of
from rollcall.converge.docker_query import LABEL
from rollcall.registrator.services.expected import expected, registrator_settings, settings
from rollcall.registrator.settings import Settings
from rollcall.status.host_status import HostReading, Registered

# What Docker says of a container that is not there, and what is said where Docker or Consul was not heard.
GONE = "gone"
UNKNOWN = "unknown"

_Key = tuple[str, str]


@dataclass(frozen=True)
class Host:
    """A host and what was read of it; `unread` says in a sentence why nothing was."""

    member: Member
    reading: HostReading = field(default_factory=HostReading)
    unread: str = ""

    def health(self, container: str | None) -> str:
        """Give a container's health, or its state where it has no health check."""
        if container is None or self.unread:
            return UNKNOWN
        return self._healths.get(container, GONE)

    def container(self, short_id: str) -> str | None:
        """Name the running container of this short id: a service's own id may name any other."""
        running = (one for one in self.reading.containers if short_id and str(one["Id"]).startswith(short_id))
        return next((str(one["Name"]).lstrip("/") for one in running), None)

    @cached_property
    def _healths(self) -> Mapping[str, str]:
        return {
            str(one["Name"]).lstrip("/"): str(
                (one["State"].get("Health") or {}).get("Status") or one["State"]["Status"]
            )
            for one in self.reading.containers
        }


@dataclass(frozen=True)
class Row:
    """One instance of a service.

    `docker` is the container's health, or its state where it has no health check; `consul` is Consul's word for the
    instance. `fronts` counts those that list it; weight and share are those of the first of them, `listed_since` the
    latest, by the clock of the front whose `now` it is. Requests, errors and seconds are the sums of all fronts.
    """

    id: str
    service: str
    node: str
    address: str
    container: str | None
    tags: tuple[str, ...]
    docker: str
    consul: str
    weight: int
    share: float | None = None
    fronts: int = 0
    listed_since: str | None = None
    now: str = ""
    requests: int = 0
    errors: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Route:
    """A host and path that lead to a service, or for the time being to the maintenance page."""

    host: str
    path: str
    maintenance: bool

    def __str__(self) -> str:
        """Write it as a person would type it."""
        return f"{self.host or '*'}{self.path}"


@dataclass(frozen=True)
class ServiceStatus:
    """A service with its rows, its routes, and the canary's percent by tag."""

    name: str
    rows: tuple[Row, ...]
    routes: tuple[Route, ...] = ()
    canary: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Trouble:
    """Something that is not as it should be, and where; `kind` is a front's own word, "mismatch" or "metadata"."""

    where: str
    kind: str
    text: str


@dataclass(frozen=True)
class FleetStatus:
    """Everything together. `unread` names hosts and parts of them that told nothing, each with the reason."""

    services: tuple[ServiceStatus, ...]
    fronts: Mapping[str, Document]
    problems: tuple[Trouble, ...]
    unread: tuple[Trouble, ...]

    def to_json(self) -> dict[str, Any]:
        """Plain data for `--json`."""
        return {
            "version": 1,
            "services": [asdict(one) for one in self.services],
            "fronts": {
                name: {key: value for key, value in front.items() if key not in ("services", "version", "node")}
                for name, front in self.fronts.items()
            },
            "problems": [asdict(one) for one in self.problems],
            "unread": [asdict(one) for one in self.unread],
        }


def joined(fleet: Fleet, hosts: Iterable[Host]) -> FleetStatus:
    """Join what the hosts say."""
    hosts = tuple(hosts)
    fronts = {host.member.node: host.reading.front for host in hosts if host.reading.front is not None}
    rows = _rows(hosts, fronts)
    names = sorted(
        {row.service for row in rows} | {one["name"] for front in fronts.values() for one in front["services"]}
    )
    return FleetStatus(
        services=tuple(_service(name, rows, fronts) for name in names),
        fronts=fronts,
        problems=tuple(_problems(fleet, hosts, fronts)),
        unread=tuple(
            Trouble(host.member.name, "unread", text)
            for host in hosts
            for text in ([host.unread] if host.unread else host.reading.complaints)
        ),
    )


def _service(name: str, rows: Iterable[Row], fronts: Mapping[str, Document]) -> ServiceStatus:
    routes = {
        Route(route["host"], route["path"], route["maintenance"]): None
        for front in fronts.values()
        for route in front["routes"]
        if name in route["services"]
    }
    canaries = [one["canary"] for front in fronts.values() for one in front["services"] if one["name"] == name]
    return ServiceStatus(
        name,
        tuple(row for row in rows if row.service == name),
        tuple(routes),
        next((canary for canary in canaries if canary), None),
    )


def _rows(hosts: Iterable[Host], fronts: Mapping[str, Document]) -> list[Row]:
    rows: dict[_Key, Row] = {}
    by_node = {host.member.node: host for host in hosts}
    for node, host in by_node.items():
        for one in host.reading.registered or ():
            if one.service != CONSUL:
                rows[node, one.identity] = _registered_row(one, host)
    for front in fronts.values():
        for service in front["services"]:
            for instance in service["instances"]:
                key = (instance["node"], instance["id"])
                begun = rows.get(key) or _front_row(service["name"], instance, by_node.get(instance["node"]))
                rows[key] = _seen_by(begun, instance, front["time"])
    return [row for _, row in sorted(rows.items(), key=lambda item: (item[1].service, item[0]))]


def _registered_row(one: Registered, host: Host) -> Row:
    container = host.container(one.container) or container_of(one.identity)
    return Row(
        id=one.identity,
        service=one.service,
        node=host.member.node,
        address=one.endpoint,
        container=container,
        tags=one.tags,
        docker=host.health(container),
        consul=one.state,
        weight=one.weight,
    )


def _front_row(service: str, instance: Document, host: Host | None) -> Row:
    return Row(
        id=instance["id"],
        service=service,
        node=instance["node"],
        address=instance["address"],
        container=instance["container"],
        tags=tuple(instance["tags"]),
        docker=host.health(instance["container"]) if host else UNKNOWN,
        consul=instance["state"],
        weight=instance["weight"],
    )


def _seen_by(row: Row, instance: Document, now: str) -> Row:
    """Add what one front knows of an instance. The catalog's word counts more than the agent's: others go by it."""
    listed = instance["share"] is not None
    later = listed and (instance["listed_since"] or "") >= (row.listed_since or "")
    return replace(
        row,
        consul=instance["state"] if row.fronts == 0 else row.consul,
        weight=instance["weight"] if listed and row.fronts == 0 else row.weight,
        share=row.share if row.share is not None else instance["share"],
        fronts=row.fronts + listed,
        listed_since=instance["listed_since"] if later else row.listed_since,
        now=now if later else row.now,
        requests=row.requests + instance["requests"],
        errors=row.errors + instance["errors"],
        seconds=row.seconds + instance["seconds"],
    )


def _problems(fleet: Fleet, hosts: Iterable[Host], fronts: Mapping[str, Document]) -> Iterable[Trouble]:
    for name, front in fronts.items():
        for problem in front["problems"]:
            yield Trouble(name, problem["kind"], problem["text"])
        if not front["consul_template"]["running"]:
            yield Trouble(name, "hindered", "consul-template does not run")
        yield from _not_as_consul_says(name, front)
    for host in hosts:
        if host.reading.registered is not None:
            yield from _not_as_docker_says(fleet, host, host.reading.registered)


def _not_as_consul_says(name: str, front: Document) -> Iterable[Trouble]:
    for service in front["services"]:
        for one in service["instances"]:
            # What is kept is among the front's own problems.
            if one["share"] is not None and one["state"] not in ("passing", "kept"):
                yield Trouble(name, "mismatch", f"{one['id']} is routed, and Consul calls it {one['state']}")


def _not_as_docker_says(fleet: Fleet, host: Host, registered: Iterable[Registered]) -> Iterable[Trouble]:
    rule = _registrator(fleet, host)
    wanted = expected(host.reading.containers, rule)
    # Services that other tools registered with the same agent are none of the registrator's.
    found = {
        one.identity
        for one in registered
        if one.registrator == rule.hostname or one.identity.startswith(f"{rule.hostname}:")
    }
    known = {one.identity for one in registered}
    for identity in sorted(wanted.services.keys() - known):
        yield Trouble(host.member.name, "mismatch", f"{identity} runs, and is not registered")
    for text in wanted.losses:
        yield Trouble(host.member.name, "mismatch", text)
    for identity in sorted(found - wanted.services.keys()):
        yield Trouble(host.member.name, "mismatch", f"{identity} is registered, and its container does not run")
    for text in wanted.remarks:
        yield Trouble(host.member.name, "metadata", text)


def _registrator(fleet: Fleet, host: Host) -> Settings:
    """Return what the host's registrator goes by; where none runs, what the settings would have told it."""
    member = host.member
    tags = ",".join(member.settings.registrator.tags)
    deployed = settings(member.node, member.address, internal=fleet.mode == "internal", tags=tags)
    for one in host.reading.containers:
        if (one["Config"].get("Labels") or {}).get(LABEL) == "registrator":
            return registrator_settings(one, deployed)
    return deployed
