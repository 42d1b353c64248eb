"""Which services a host's registrator should have registered, by its own rule, from what Docker says. No I/O."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from rollcall.contract import route_metadata
from rollcall.registrator.docker.container import read_container
from rollcall.registrator.flags import UsageError, parse
from rollcall.registrator.services.network_owner import find_among, network_owner
from rollcall.registrator.services.services import Service, read_services
from rollcall.registrator.settings import AgentAddress, Settings, settings_from
from rollcall.registrator.tracker import Clash, Fleet

# A container as `docker inspect` shows it.
Inspected = Mapping[str, Any]


@dataclass(frozen=True)
class Expected:
    """The services by id, and what keeps others from being: notes on metadata, lost networks, ids asked for in vain."""

    services: Mapping[str, Service]
    notes: tuple[str, ...] = ()
    losses: tuple[str, ...] = ()
    clashes: tuple[Clash, ...] = ()

    @property
    def remarks(self) -> tuple[str, ...]:
        """What people should know of it, in sentences."""
        return (*self.notes, *_said(self.clashes))


def expected(containers: Iterable[Inspected], settings: Settings) -> Expected:
    """Read every running container as a registrator with these settings does.

    One that is paused has no service, nor one that ended and waits for Docker to start it again.
    """
    documents = {str(one.get("Id")): one for one in containers}
    known = [read_container(one) for one in documents.values()]
    fleet = Fleet(keep_failed=False)
    notes: list[str] = []
    losses: list[str] = []
    for container in known:
        document = documents[container.id]
        if document["State"].get("Status") != "running":
            continue
        owner = network_owner(container, lambda text: find_among(known, text))
        reading = read_services(container, settings, owner, document)
        fleet.saw(container, reading)
        notes += [f"{container.name}: {text}" for text in (*reading.faults, *reading.notes)]
        losses += [f"{container.name}: {text}" for text in reading.losses]
    return Expected(fleet.desired(), tuple(notes), tuple(losses), tuple(fleet.clashes()))


def registrator_settings(registrator: Inspected, otherwise: Settings) -> Settings:
    """Read a registrator's settings from its container; `otherwise` where its flags are unknown."""
    hostname = str(registrator["Config"].get("Hostname") or otherwise.hostname)
    try:
        return settings_from(parse(list(registrator.get("Args") or ())), hostname, otherwise.host_address)
    except UsageError:
        return replace(otherwise, hostname=hostname)


def settings(hostname: str, address: str, *, internal: bool, tags: str) -> Settings:
    """Give the settings of a registrator as a deploy starts it, on a host of that name and address."""
    return Settings(
        AgentAddress("consul", "127.0.0.1", 8500), hostname, address, internal=internal, tags=tags, script_checks=False
    )


def virtual_hosts(service: Service) -> frozenset[str]:
    """Name the hosts at which a service wants to be reached through a front, as a front reads them."""
    try:
        wanted = None if service.udp else route_metadata.read(service.meta)
    except ValueError:
        return frozenset()
    return frozenset(wanted.hosts) if wanted else frozenset()


def _said(clashes: Iterable[Clash]) -> list[str]:
    losers: dict[tuple[str, str], list[str]] = {}
    for clash in clashes:
        losers.setdefault((clash.id, clash.owner.name), []).append(clash.container.name)
    return [
        f"{owner} has the id {service_id}, so {', '.join(names)} cannot be registered by it; "
        "give each its own SERVICE_ID, or leave it out"
        for (service_id, owner), names in losers.items()
    ]
