"""Sum up the services of a fleet: version, age, containers that serve, hosts and routes. No I/O."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.config.fleet import Fleet
from rollcall.config.front import stream
from rollcall.config.image_version import version
from rollcall.config.service import Service
from rollcall.services import observed
from rollcall.services.observed import Running
from rollcall.services.slot import FAILED_SUFFIX
from rollcall.services.work import service_of


@dataclass(frozen=True)
class HostServices:
    """What one host has: its containers of services, and its agent's services and checks."""

    host: str
    containers: Sequence[Running]
    services: Mapping[str, Any]
    checks: Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One service. `remarks` are what a person should look at."""

    name: str
    versions: tuple[str, ...]
    since: str
    serving: int
    declared: int
    hosts: tuple[str, ...]
    routes: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def rows(fleet: Fleet, found: Iterable[HostServices]) -> list[Row]:
    """Return a row for each service that is declared or runs."""
    hosts = list(found)
    declared = {
        service.name: service for member in fleet.members for service in member.settings.services if service.containers
    }
    running = {service_of(one.name) for host in hosts for one in host.containers}
    return [_row(name, declared.get(name), fleet, hosts) for name in sorted(declared.keys() | running)]


def _row(name: str, service: Service | None, fleet: Fleet, hosts: Sequence[HostServices]) -> Row:
    own = [(host, one) for host in hosts for one in host.containers if service_of(one.name) == name]
    failed = [(host, one) for host, one in own if one.name.endswith(FAILED_SUFFIX)]
    live = [pair for pair in own if pair not in failed]
    faults = {f"{one.name} of {host.host}": _faults(host, one, service) for host, one in live}
    wanted = [
        len(one.containers)
        for member in fleet.members
        for one in member.settings.services
        if one.name == name and one.containers
    ]
    undeclared = [] if service else ["it is not declared; the next deploy removes it"]
    return Row(
        name=name,
        versions=tuple(dict.fromkeys(version(one.image) for _, one in live)),
        since=min((one.created for _, one in live), default=""),
        serving=sum(not why for why in faults.values()),
        declared=sum(wanted),
        hosts=tuple(dict.fromkeys(host.host for host, _ in live)),
        routes=_routes(service),
        remarks=(
            *undeclared,
            *(f"{where}: {'; '.join(why)}" for where, why in faults.items() if why),
            *(
                f"{one.name} of {host.host} is kept from a failed release of {version(one.image)}"
                for host, one in failed
            ),
        ),
    )


def _faults(host: HostServices, container: Running, service: Service | None) -> list[str]:
    ports = observed.registered(host.services, host.checks, container.identity)
    out = [f"out of service ({port.maintenance})" for port in ports if port.maintenance is not None]
    return observed.waits_for(container, ports, len(service.ports) if service else len(ports)) or out[:1]


def _routes(service: Service | None) -> tuple[str, ...]:
    if service is None:
        return ()
    return (
        *(route.host + (route.path if route.path != "/" else "") for route in service.routes),
        *(f"{place.name}:{place.port}/{place.transport}" for one in service.streams for place in stream.places(one)),
    )
