"""Derive a host's expected services from its inspect documents, by the registrator's own rule. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollcall.contract import route_metadata
from rollcall.registrator.docker.container import read_container
from rollcall.registrator.flags import UsageError, parse
from rollcall.registrator.services.network_owner import find_among, network_owner
from rollcall.registrator.services.services import Service, read_services
from rollcall.registrator.settings import AgentAddress, Settings, settings_from
from rollcall.registrator.tracker import Clash, Tracker

# A container as `docker inspect` shows it.
Inspected = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """The services by id, and the reasons against others: metadata, lost networks, ids that others have."""

    services: Mapping[str, Service]
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """Return the remarks, as sentences."""
        return (*self.notes, *_clash_remarks(self.clashes))


def expected(containers: Iterable[Inspected], settings: Settings) -> Expected:
    """Derive the services of every running container, as a registrator with these settings does.

    A paused container has no service, nor has one that exited and waits for its restart.
    """
    documents = {str(document.get("Id")): document for document in containers}
    known = [read_container(document) for document in documents.values()]
    tracker = Tracker(keep_failed=False)
    notes: list[str] = []
    losses: list[str] = []
    for container in known:
        document = documents[container.id]
        if document["State"].get("Status") != "running":
            continue
        owner = network_owner(container, lambda text: find_among(known, text))
        found = read_services(container, settings, owner, document)
        tracker.update(container, found)
        notes += [f"{container.name}: {text}" for text in (*found.faults, *found.notes)]
        losses += [f"{container.name}: {text}" for text in found.losses]
    return Expected(tracker.desired(), tuple(notes), tuple(losses), tuple(tracker.clashes()))


def registrator_settings(registrator: Inspected, otherwise: Settings) -> Settings:
    """Parse a registrator's settings from its container; `otherwise` if its flags are invalid."""
    hostname = str(registrator["Config"].get("Hostname") or otherwise.hostname)
    try:
        return settings_from(parse(list(registrator.get("Args") or ())), hostname, otherwise.host_address)
    except UsageError:
        return replace(otherwise, hostname=hostname)


def settings(hostname: str, address: str, *, internal: bool, tags: str) -> Settings:
    """Return the settings of a deployed registrator on this host."""
    return Settings(
        AgentAddress("consul", "127.0.0.1", 8500), hostname, address, internal=internal, tags=tags, script_checks=False
    )


def virtual_hosts(service: Service) -> frozenset[str]:
    """Return the host names that a service sets, as a front parses them."""
    try:
        wanted = None if service.udp else route_metadata.read(service.meta)
    except ValueError:
        return frozenset()
    return frozenset(wanted.hosts) if wanted else frozenset()


def _clash_remarks(clashes: Iterable[Clash]) -> list[str]:
    losers: dict[tuple[str, str], list[str]] = {}
    for clash in clashes:
        losers.setdefault((clash.id, clash.owner.name), []).append(clash.container.name)
    return [
        f"{owner} has the id {service_id}, so {', '.join(names)} cannot be registered under it; "
        "set a different SERVICE_ID for each, or omit it"
        for (service_id, owner), names in losers.items()
    ]
