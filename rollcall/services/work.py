"""List what a release has to do on one host: the slots that differ from the declaration, and how to tell the user."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from rollcall.components.services import FORMER, NAME
from rollcall.config.service import Release, Service
from rollcall.converge.changes import Change
from rollcall.converge.host_state import HostState
from rollcall.converge.resources import Container, Resource
from rollcall.registrator.services import durations
from rollcall.services.slot import FAILED_SUFFIX, SUFFIXES, Order

_BESIDE = tuple(suffix for suffix in SUFFIXES.values() if suffix)


@dataclass(frozen=True)
class Work:
    """One slot to bring to its declaration; without a container, to remove.

    `stale` is the id of a container that is to be replaced although its label is the declaration's: changed by hand.
    `first`: it has no container yet.
    """

    service: str
    name: str
    container: Container | None = None
    ports: int = 0
    order: Order = "start-first"
    release: Release = field(default_factory=Release)
    stale: str = ""
    grace: float = 0
    first: bool = False

    @property
    def patience(self) -> float:
        """The seconds after which a new container that does not serve has failed."""
        return self.release.timeout + self.grace

    @property
    def failed_name(self) -> str:
        """The name of a container that did not come up."""
        return f"{self.service}{FAILED_SUFFIX}"


@dataclass(frozen=True)
class HostWork:
    """All slots of one host that differ, what was kept of failed releases, and a line for each, for the user."""

    slots: tuple[Work, ...] = ()
    failed: tuple[str, ...] = ()
    lines: tuple[str | Change, ...] = ()

    def __bool__(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.slots or self.failed)


def slot_of(name: str) -> str:
    """Return the slot that a container belongs to."""
    return next((name.removesuffix(suffix) for suffix in _BESIDE if name.endswith(suffix)), name)


def service_of(name: str) -> str:
    """Return the service that a container belongs to: shop of shop-1, shop-1-next and shop-failed."""
    return name.removesuffix(FAILED_SUFFIX) if name.endswith(FAILED_SUFFIX) else slot_of(name).rpartition("-")[0]


def managed(components: Mapping[str, str]) -> list[str]:
    """Return a host's containers of services, from the managed containers with their components."""
    return sorted(name for name, component in components.items() if component in (NAME, FORMER))


def host_work(
    services: Sequence[Service], desired: Iterable[Resource], changes: Iterable[Change], state: HostState
) -> HostWork:
    """Compare a host with its declaration.

    Args:
        services: the host's services.
        desired: their resources.
        changes: the planned changes of their containers.
        state: the host's state.
    """
    return _compared(services, desired, changes, state, managed(state.engine.components))


def work_of_one(
    service: Service, desired: Iterable[Resource], changes: Iterable[Change], state: HostState, *, anew: bool
) -> HostWork:
    """Compare one service of a host with its declaration; see `host_work`. `anew` replaces all of its containers."""
    present = [name for name in managed(state.engine.components) if service_of(name) == service.name]
    return _compared((service,), desired, changes, state, present, anew=anew)


def _compared(
    services: Sequence[Service],
    desired: Iterable[Resource],
    changes: Iterable[Change],
    state: HostState,
    present: Sequence[str],
    *,
    anew: bool = False,
) -> HostWork:
    containers = {resource.name: resource for resource in desired if isinstance(resource, Container)}
    kept = [name for name in present if name.endswith(FAILED_SUFFIX)]
    changed = {change.name: change for change in changes}
    begun = {slot_of(name) for name in present if name not in kept and slot_of(name) != name}
    declared = {name: service for service in services for name in service.containers}
    gone = {slot_of(name) for name in present if name not in kept} - declared.keys()
    slots = [
        replace(
            _declared(service, containers[name], changed.get(name), state, anew=anew),
            first=name in changed and changed[name].action == "create" and name not in begun,
        )
        for name, service in declared.items()
        if name in changed or name in begun or anew
    ]
    return HostWork(
        (*(Work(service_of(name), name) for name in sorted(gone)), *slots),
        tuple(kept),
        (
            *(f"remove container {name}" for name in (*sorted(gone), *kept)),
            *(_line(work, changed.get(work.name), anew=anew) for work in slots),
        ),
    )


def undeclared(host: str, services: Sequence[Service], state: HostState) -> list[str]:
    """Return a sentence for each service that the host would lose, with the containers to be removed."""
    declared = {service.name for service in services}
    lost: dict[str, list[str]] = {}
    for name in managed(state.engine.components):
        if service_of(name) not in declared and not name.endswith(FAILED_SUFFIX):
            lost.setdefault(service_of(name), []).append(name)
    return [
        f"{host}: {service} is no longer declared in services: this deploy removes {', '.join(names)}"
        for service, names in lost.items()
    ]


def _declared(service: Service, container: Container, change: Change | None, state: HostState, *, anew: bool) -> Work:
    replaced = anew or (change is not None and change.action == "replace")
    document = state.engine.containers.get(container.name) if replaced else None
    return Work(
        service=service.name,
        name=container.name,
        container=container,
        ports=len(service.ports),
        order=service.order,
        release=service.release,
        stale=str(document["Id"]) if document else "",
        grace=(durations.nanoseconds(service.health.grace or "0") or 0) / 10**9,
    )


def _line(work: Work, change: Change | None, *, anew: bool) -> str | Change:
    if change is None and anew:
        return f"start container {work.name} anew ({work.order})"
    if change is None:
        return f"finish the interrupted release of {work.name}"
    if change.action != "replace":
        return change
    return replace(change, remark="; ".join(filter(None, (work.order, change.remark))))
