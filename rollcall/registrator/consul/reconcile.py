"""Compute the writes that turn the agent's services into the desired ones. No I/O."""

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from rollcall.contract.service_protocol import MARK_PROTOCOL, UDP
from rollcall.registrator.consul import out_of_service
from rollcall.registrator.services.checks import Check
from rollcall.registrator.services.health import Health, definition
from rollcall.registrator.services.health import check_id as health_check_id
from rollcall.registrator.services.identity import MARK_CONTAINER, MARK_HOST, folded
from rollcall.registrator.services.services import Service

# Meta keys that mark a registrator's services win over a container's keys of the same name.
# The agent does not show a check's definition, so this digest reveals a changed one.
MARK_CHECK = "registrator-check"
# Marks a service whose id no request path can hold: the agent removes it after its check was critical for a minute.
MARK_RETIRED = "registrator-retired"


@dataclass(frozen=True)
class Registration:
    """A service as the agent has it."""

    id: str
    name: str
    address: str
    port: int
    tags: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)
    enable_tag_override: bool = False
    # The registrator's own check, None without a HEALTHCHECK.
    health: Health | None = None

    def belongs_to(self, hostname: str) -> bool:
        """Whether that host's registrator wrote it."""
        return self.meta.get(MARK_HOST) == hostname

    @property
    def retired(self) -> bool:
        """Whether the agent will remove it by itself."""
        return MARK_RETIRED in self.meta


@dataclass(frozen=True)
class Register:
    """Write: make the agent's service like this one.

    `maintenance` is why it is out of service, None: it is not. `status` is how the check of its metadata begins, None:
    as the metadata or Consul say.
    """

    service: Service
    registration: Registration
    maintenance: str | None = None
    status: str | None = None


@dataclass(frozen=True)
class Deregister:
    """Deregister a service."""

    registration: Registration


@dataclass(frozen=True)
class Report:
    """Report the health of a registered service."""

    registration: Registration


@dataclass(frozen=True)
class Blocked:
    """No write: a service or check that no registrator wrote has this id."""

    registration: Registration
    reason: str


Write = Register | Deregister | Report


def registration_of(service: Service, hostname: str) -> Registration:
    """Return a service as the agent should show it, with the registrator's marks in its Meta."""
    marks = {MARK_HOST: hostname, MARK_CONTAINER: service.container.short_id}
    if service.udp:
        marks[MARK_PROTOCOL] = UDP
    if service.check is not None:
        text = json.dumps(service.check, sort_keys=True).encode()
        marks[MARK_CHECK] = hashlib.sha256(text).hexdigest()[:16]
    return Registration(
        service.id,
        service.name,
        service.address,
        service.port,
        service.tags,
        {**service.meta, **marks},
        service.enable_tag_override,
        service.container.health,
    )


def checks_of(write: Register) -> list[Check]:
    """Return the checks of a service: the metadata's, the HEALTHCHECK's, and the mark of maintenance."""
    identity, health = write.registration.id, write.registration.health
    begins = {} if write.status is None else {"Status": write.status}
    return [
        *([{"CheckID": metadata_check_id(identity), **write.service.check, **begins}] if write.service.check else []),
        *([definition(identity, health)] if health else []),
        *([out_of_service.definition(identity, write.maintenance)] if write.maintenance is not None else []),
    ]


def former(wanted: Registration, actual: Iterable[Registration]) -> Registration | None:
    """Find the registration of a container before it was renamed: the same place under another id."""
    container = wanted.meta.get(MARK_CONTAINER)
    for one in actual:
        same_place = (one.name, one.address, one.port) == (wanted.name, wanted.address, wanted.port)
        if one.id != wanted.id and same_place and container and one.meta.get(MARK_CONTAINER) == container:
            return one
    return None


def metadata_check_id(service_id: str) -> str:
    """Name the metadata's check as Consul names a service's only check.

    Beside a second check Consul would name it service:ID:1, which may also be another service's.
    """
    return f"service:{service_id}"


def reconcile(
    desired: Mapping[str, Service],
    actual: Mapping[str, Registration],
    hostname: str,
    *,
    may_remove: Collection[str],
    among: Iterable[str] | None = None,
    unconfirmed: Collection[str] = (),
    anew: Collection[str] = (),
    check_owners: Mapping[str, str] | None = None,
) -> list[Write | Blocked]:
    """Return the writes that turn `actual` into `desired`, registrations first.

    Only services in `may_remove` with this host's mark are ever removed. A desired service replaces an unmarked one
    of the same id and name, which adopts the original registrator's services. `among` limits the work to these ids.
    Unchanged services are reported if in `unconfirmed`, and registered if in `anew`. `check_owners` maps the agent's
    checks to their services.
    """
    ids = list(dict.fromkeys([*desired, *actual] if among is None else among))
    spelled = {folded(other): other for other in actual if other not in desired}
    coming: list[Write | Blocked] = []
    going: list[Deregister] = []
    for service_id in ids:
        service, present = desired.get(service_id), actual.get(service_id)
        if service is not None:
            wanted = registration_of(service, hostname)
            twin = None if present else actual.get(spelled.get(folded(service_id), ""))
            if twin and twin.belongs_to(hostname):
                # The catalog treats both as one: register this one after the agent removed the other.
                going.append(Deregister(twin))
            elif reason := _conflict(service, present or twin, check_owners or {}):
                coming.append(Blocked(wanted, reason))
            else:
                coming += _writes(service, wanted, present, unconfirmed, anew)
        elif present is not None and service_id in may_remove and present.belongs_to(hostname):
            going.append(Deregister(present))
    leaving = {write.registration.id: write for write in going if not write.registration.retired}
    return [*coming, *leaving.values()]


def _writes(
    service: Service,
    wanted: Registration,
    present: Registration | None,
    unconfirmed: Collection[str],
    anew: Collection[str],
) -> list[Write]:
    if present is None or not _same(wanted, present):
        return [Register(service, wanted)]
    # Keep the tags: others may have changed them with EnableTagOverride.
    writes: list[Write] = [Register(service, replace(wanted, tags=present.tags))] if wanted.id in anew else []
    if wanted.health and (wanted.health != present.health or wanted.id in unconfirmed):
        writes.append(Report(wanted))
    return writes


def _conflict(service: Service, present: Registration | None, check_owners: Mapping[str, str]) -> str:
    """Return which other tool's service or check this one would overwrite, "" for none."""
    if present and present.id != service.id:
        return f"the agent has a service {present.id}, which Consul's catalog treats as the same"
    if present and MARK_HOST not in present.meta and not service.own_id and present.name != service.name:
        return f"the agent has a service {present.id}, named {present.name}, that no registrator wrote"
    for check in (metadata_check_id(service.id), health_check_id(service.id), out_of_service.check_id(service.id)):
        owner = check_owners.get(folded(check), service.id)
        if folded(owner) != folded(service.id):
            return f"the agent has a check {check} of the service {owner}"
    return ""


def _same(wanted: Registration, present: Registration) -> bool:
    if wanted == present:
        return True
    if (wanted.health is None) != (present.health is None):
        return False
    if wanted.enable_tag_override and present.enable_tag_override:
        # Others own the tags: Consul syncs their changes of the catalog back to the agent.
        present = replace(present, tags=wanted.tags)
    return wanted == replace(present, health=wanted.health)
