"""Join Docker, Consul and nginx: every service's instances as each of the three sees them."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

from rollcall.components.backups import every
from rollcall.config.fleet import Fleet
from rollcall.contract.backups import Record
from rollcall.contract.problems import INVENTORY
from rollcall.contract.status_document import CONSUL, Document, container_of
from rollcall.status import mismatches, troubles
from rollcall.status.host import UNKNOWN, Host
from rollcall.status.host_status import Registered
from rollcall.status.troubles import Trouble

_Key = tuple[str, str]


@dataclass(frozen=True)
class Row:
    """One instance of a service.

    `docker` is the container's health, or its state without a health check, `version` that of its image; `consul` is
    the instance's state in Consul. `fronts` counts the fronts that have it in rotation; weight and share are those of
    the first of them, `listed_since` the latest, by the clock of the front whose `now` it is. Requests, errors,
    seconds and open connections are sums over all fronts; `open` is None without a stream.
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
    open: int | None = None
    version: str = ""


@dataclass(frozen=True)
class Route:
    """A host and path that lead to a service, or now to its maintenance page."""

    host: str
    path: str
    maintenance: bool

    def __str__(self) -> str:
        """Return it as a person types it."""
        return f"{self.host or '*'}{self.path}"


@dataclass(frozen=True)
class ServiceStatus:
    """A service with its rows, its routes, the canary's percent by tag, and its ports of the fronts."""

    name: str
    rows: tuple[Row, ...]
    routes: tuple[Route, ...] = ()
    canary: Mapping[str, float] | None = None
    streams: tuple[str, ...] = ()


@dataclass(frozen=True)
class FleetStatus:
    """The whole status, as of `now`. `unread` has the hosts and parts of them that could not be read, with reasons.

    `backup` is the newest timed backup, of a fleet that makes any.
    """

    services: tuple[ServiceStatus, ...]
    fronts: Mapping[str, Document]
    problems: tuple[Trouble, ...]
    unread: tuple[Trouble, ...]
    now: datetime
    backup: Record | None = None

    @property
    def wrong(self) -> tuple[Trouble, ...]:
        """Return problems and unread parts, the worst first."""
        return troubles.ordered((*self.problems, *self.unread))

    @property
    def is_well(self) -> bool:
        """Whether there are only notices."""
        return all(problem.problem.severity == "notice" for problem in self.wrong)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for `--json`."""
        return {
            "version": 1,
            "services": [asdict(service) for service in self.services],
            "fronts": {
                name: {key: value for key, value in front.items() if key not in ("services", "version", "node")}
                for name, front in self.fronts.items()
            },
            "backup": self.backup.to_json() if self.backup else None,
            "problems": [problem.to_json() for problem in self.problems],
            "unread": [host.to_json() for host in self.unread],
        }


def joined(fleet: Fleet, hosts: Iterable[Host], now: datetime, source: str = INVENTORY) -> FleetStatus:
    """Join the readings of the hosts.

    Args:
        fleet: all hosts of the inventory.
        hosts: the hosts that were read.
        now: this moment.
        source: the inventory as the user typed it, for the commands to run next.
    """
    hosts = tuple(hosts)
    fronts = {host.member.node: host.reading.front for host in hosts if host.reading.front is not None}
    rows = _rows(hosts, fronts)
    names = sorted(
        {row.service for row in rows} | {service["name"] for front in fronts.values() for service in front["services"]}
    )
    found = troubles.found(fleet, hosts, fronts, now)
    return FleetStatus(
        services=tuple(_service(name, rows, fronts) for name in names),
        fronts=fronts,
        problems=troubles.ordered(
            _named(trouble, source) for trouble in (*found, *mismatches.found(fleet, hosts, fronts))
        ),
        unread=tuple(_named(host, source) for host in troubles.unread(hosts)),
        now=now,
        backup=troubles.newest_backup(hosts) if every(fleet) else None,
    )


def _named(trouble: Trouble, source: str) -> Trouble:
    """Put the inventory's name into the commands."""
    step = trouble.problem.step.replace(INVENTORY, source)
    return replace(trouble, problem=replace(trouble.problem, next=step))


def _service(name: str, rows: Iterable[Row], fronts: Mapping[str, Document]) -> ServiceStatus:
    routes = {
        Route(route["host"], route["path"], route["maintenance"]): None
        for front in fronts.values()
        for route in front["routes"]
        if name in route["services"]
    }
    canaries = [
        service["canary"] for front in fronts.values() for service in front["services"] if service["name"] == name
    ]
    streams = {
        f"{stream['server_name']}:{stream['port']}/{stream['protocol']}": None
        for front in fronts.values()
        # A front before 0.6 has none.
        for stream in front.get("streams", ())
        if name in stream["services"]
    }
    return ServiceStatus(
        name,
        tuple(row for row in rows if row.service == name),
        tuple(routes),
        next((canary for canary in canaries if canary), None),
        tuple(streams),
    )


def _rows(hosts: Iterable[Host], fronts: Mapping[str, Document]) -> list[Row]:
    rows: dict[_Key, Row] = {}
    by_node = {host.member.node: host for host in hosts}
    for node, host in by_node.items():
        for service in host.reading.registered or ():
            if service.service != CONSUL:
                rows[node, service.identity] = _registered_row(service, host)
    for front in fronts.values():
        for service in front["services"]:
            for instance in service["instances"]:
                key = (instance["node"], instance["id"])
                begun = rows.get(key) or _front_row(service["name"], instance, by_node.get(instance["node"]))
                rows[key] = _seen_by(begun, instance, front["time"])
    return [row for _, row in sorted(rows.items(), key=lambda item: (item[1].service, item[0]))]


def _registered_row(service: Registered, host: Host) -> Row:
    container = host.container(service.container) or container_of(service.identity)
    return Row(
        id=service.identity,
        service=service.service,
        node=host.member.node,
        address=service.endpoint,
        container=container,
        tags=service.tags,
        docker=host.health(container),
        consul=service.state,
        weight=service.weight,
        version=host.version(container),
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
        version=host.version(instance["container"]) if host else "",
    )


def _seen_by(row: Row, instance: Document, now: str) -> Row:
    """Add a front's data of an instance. Its state from the catalog overrides the agent's, since others use it."""
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
        open=_both(row.open, instance.get("open")),
    )


def _both(one: int | None, other: int | None) -> int | None:
    return one if other is None else other + (one or 0)
