"""Remember what just changed: instances that joined, left or failed, routes, hosts and Consul's leader."""

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from rollcall.contract.status_document import CONSUL, container_of
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.routing.model import Location, Routing

# The newest are kept, in at most 100 KB: each text is cut.
CHANGES = 50
LENGTH = 120  # characters
# More instances of one service with the same change are one entry.
SINGLY = 4
_Key = tuple[str, str]


@dataclass(frozen=True)
class Change:
    """What happened to whom: "app2/web-3", "joined", and which service or detail it is about."""

    subject: str
    text: str
    about: str = ""


@dataclass(frozen=True)
class Noted:
    """A change, and when the front noticed it."""

    at: datetime
    change: Change


@dataclass(frozen=True)
class State:
    """What changes are looked for in.

    `instances` have their state by node and identity: Consul's, or "serving" or "kept" with requests from nginx;
    `routes` what a host and path lead to; `hosts` whether Consul hears them.
    """

    instances: Mapping[_Key, tuple[Instance, str]] = field(default_factory=dict)
    routes: Mapping[str, str] = field(default_factory=dict)
    hosts: Mapping[str, bool] = field(default_factory=dict)
    leader: str = ""


def state(routing: Routing, catalog: Catalog, kept: frozenset[_Key], cluster: Cluster) -> State:
    """Return the state of this moment."""
    instances: dict[_Key, tuple[Instance, str]] = {
        _key(one): (one, one.state) for one in catalog.instances if one.service != CONSUL
    }
    for upstream in routing.every_upstream:
        for server in upstream.servers:
            key = _key(server.instance)
            instances[key] = server.instance, "kept" if key in kept else "serving"
    services = {upstream.name: ", ".join(upstream.services) for upstream in routing.every_upstream}
    routes = {
        f"{site.host or 'any other host '}{location.path}": _target(location, services)
        for site in routing.sites
        for location in site.locations
    } | {str(stream.place): services.get(stream.upstream, "nobody") for stream in routing.streams}
    return State(instances, routes, cluster.hosts, cluster.leader_of(catalog))


def _target(location: Location, services: Mapping[str, str]) -> str:
    if location.maintenance is not None:
        return "a maintenance page"
    if location.redirect_to:
        return location.redirect_to
    named = services.get(location.upstream, "nobody")
    return f"{named}, closed to everybody" if location.closed else named


def _key(instance: Instance) -> _Key:
    return instance.node, instance.identity


def differences(before: State, after: State) -> list[Change]:
    """Return what changed between two states."""
    return [
        *_of_hosts(before.hosts, after.hosts),
        *_of_leader(before.leader, after.leader),
        *_of_routes(before.routes, after.routes),
        *_of_instances(before.instances, after.instances),
    ]


def _of_hosts(before: Mapping[str, bool], after: Mapping[str, bool]) -> Iterator[Change]:
    if not before or not after:
        # Not read yet, or not any more.
        return
    for node in sorted(before.keys() | after.keys()):
        was, now = before.get(node), after.get(node)
        if was != now:
            text = "left the fleet" if now is None else "is lost" if not now else "joined the fleet"
            yield Change(node, "is back" if now and was is False else text, "host")


def _of_leader(before: str, after: str) -> Iterator[Change]:
    if before != after and after:
        yield Change(after, "leads Consul")
    elif before != after:
        yield Change(before, "leads Consul no longer; there is no leader")


def _of_routes(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[Change]:
    for route in sorted(before.keys() | after.keys()):
        was, now = before.get(route), after.get(route)
        if was != now:
            yield Change(route, "is no route any more") if now is None else Change(route, f"leads to {now}", "route")


def _of_instances(
    before: Mapping[_Key, tuple[Instance, str]], after: Mapping[_Key, tuple[Instance, str]]
) -> Iterator[Change]:
    alike: dict[_Key, list[Instance]] = {}
    for key in sorted(before.keys() | after.keys()):
        was, now = before.get(key), after.get(key)
        instance = (now or was or _NOBODY)[0]
        text = _worded(was[1] if was else "", now[1] if now else "")
        if text:
            alike.setdefault((instance.service, text), []).append(instance)
    for (service, text), instances in alike.items():
        if len(instances) > SINGLY:
            yield Change(f"{len(instances)} instances", text, service)
        else:
            yield from (Change(_name(instance), text, service) for instance in instances)


_NOBODY = (Instance("", "", "", "", 0), "")
_BACK = {"": "joined", "kept": "is registered again", "passing": "gets requests", "maintenance": "is back in service"}
_OUT = {
    "": "left",
    "kept": "left the catalog with others; kept while it accepts connections",
    "passing": "gets no requests any more",
    "warning": "has a warning from its check",
    "critical": "fails its check",
    "maintenance": "is in maintenance",
}


def _worded(was: str, now: str) -> str:
    if was == now:
        return ""
    if now == "serving":
        return _BACK.get(was, "passes its check again")
    if now == "passing":
        return {"": "registered, without a route", "serving": _OUT["passing"]}.get(was, "passes its check again")
    return _OUT[now]


def _name(instance: Instance) -> str:
    return f"{instance.node}/{container_of(instance.identity) or instance.identity}"


class Changes:
    """The newest changes."""

    def __init__(self) -> None:
        """Start without any."""
        self._state: State | None = None
        self._noted: deque[Noted] = deque(maxlen=CHANGES)

    def see(self, state: State, now: datetime) -> None:
        """Take the state of this moment; the first one is no change."""
        if self._state is not None:
            self._note(differences(self._state, state), now)
        self._state = state

    def _note(self, changes: Iterable[Change], now: datetime) -> None:
        for change in changes:
            cut = Change(*(text[:LENGTH] for text in (change.subject, change.text, change.about)))
            self._noted.appendleft(Noted(now, cut))

    def newest(self) -> tuple[Noted, ...]:
        """Return the changes, the newest first."""
        return tuple(self._noted)
