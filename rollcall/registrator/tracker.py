"""Track this host's containers and the services that they should have. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rollcall.registrator.docker.container import Container
from rollcall.registrator.docker.stop_signals import is_stop
from rollcall.registrator.services.identity import folded
from rollcall.registrator.services.services import ContainerServices, Service, claims

# Added to a container's stop timeout before it counts as a survivor of its stop signal.
STOP_MARGIN = 2.0
# Exit statuses from here on mean that a signal ended the process.
BY_SIGNAL = 128


@dataclass(frozen=True)
class Watched:
    """A container and its services at the last inspection."""

    container: Container
    derived: ContainerServices


@dataclass(frozen=True)
class Clash:
    """An id that a container requests and another one has."""

    container: Container
    id: str
    owner: Container

    def __str__(self) -> str:
        """Return the sentence for the container that did not get the id."""
        return f"the id {self.id} is taken by {self.owner}"


@dataclass(frozen=True)
class Remark:
    """A sentence about a container; `ignored`: the reason why a part of it is not a service."""

    container: Container
    text: str
    ignored: bool = True

    def __str__(self) -> str:
        """Return the log line."""
        return f"{'ignored, ' if self.ignored else ''}container {self.container}: {self.text}"


class Tracker:
    """Which containers run, which are stopping, and the services that follow.

    Each method that changes it returns the ids of the affected services in the order of their ports, followed by ids
    that differ from these only in case.
    """

    def __init__(self, *, keep_failed: bool) -> None:
        """Start empty. With `keep_failed`, a container that exits with an error of its own keeps its services."""
        self._keep_failed = keep_failed
        self._watched: dict[str, Watched] = {}
        self._draining: dict[str, float] = {}
        self._failed: set[str] = set()
        # Ids of services to remove, until the agent is known not to have them.
        self.released: set[str] = set()
        self._reported: frozenset[tuple[str, str]] = frozenset()

    def __contains__(self, container_id: str) -> bool:
        """Whether this container is tracked."""
        return container_id in self._watched

    def known(self) -> list[str]:
        """Return the ids of all tracked containers, including failed ones that keep their services."""
        return list(self._watched)

    def network_users(self, container_id: str) -> list[str]:
        """Return the containers that use this one's network, directly or through others."""
        return [other for other, watched in self._watched.items() if container_id in watched.derived.network_chain]

    def desired(self) -> dict[str, Service]:
        """Return every service that should be registered, by id; `claims` decides between containers."""
        in_service = (
            service
            for container_id, watched in self._watched.items()
            for service in watched.derived.services
            if not (service.drain and self._is_stopping(container_id, watched))
        )
        owners = claims(in_service)
        return {service.id: service for service in self._services() if owners.get(folded(service.id)) is service}

    def _is_stopping(self, container_id: str, watched: Watched) -> bool:
        """Whether it, or a container whose network it uses, got a stop signal."""
        return bool(self._draining) and not self._draining.keys().isdisjoint(
            (container_id, *watched.derived.network_chain)
        )

    def clashes(self) -> list[Clash]:
        """Return every id that a container requests and does not get."""
        owners = claims(self._services())
        return [
            Clash(service.container, service.id, owner.container)
            for service in self._services()
            if (owner := owners[folded(service.id)]) is not service
        ]

    def remarks(self) -> list[Remark]:
        """Return the remarks on all containers."""
        return [
            *(
                Remark(watched.container, text)
                for watched in self._watched.values()
                for text in watched.derived.remarks
            ),
            *(Remark(clash.container, str(clash)) for clash in self.clashes()),
            *(
                Remark(watched.container, text, ignored=False)
                for watched in self._watched.values()
                for text in watched.derived.notes
            ),
        ]

    def new_remarks(self) -> list[Remark]:
        """Return the remarks that are new since the last call."""
        remarks = {(remark.container.id, remark.text): remark for remark in self.remarks()}
        new = [remark for key, remark in remarks.items() if key not in self._reported]
        self._reported = frozenset(remarks)
        return new

    def disowned(self, containers: Mapping[str, str]) -> set[str]:
        """Return those of the registered ids (with their containers' short ids) that the containers no longer have.

        An older registrator may have registered a running container under an id that this one does not use.
        """
        mine = {
            watched.container.short_id: {service.id for service in watched.derived.services}
            for watched in self._watched.values()
        }
        return {
            service_id
            for service_id, container in containers.items()
            if container in mine and service_id not in mine[container]
        }

    def _services(self) -> Iterator[Service]:
        for watched in self._watched.values():
            yield from watched.derived.services

    def update(self, container: Container, derived: ContainerServices) -> list[str]:
        """Take in a running container."""
        before = self._watched.get(container.id)
        self._watched[container.id] = Watched(container, derived)
        self._failed.discard(container.id)
        if before and before.container.started_at != container.started_at:
            # The stop signal went to the previous process, even if its die event was missed.
            self._draining.pop(container.id, None)
        return self._affected([*self._release(before), *_ids(derived)])

    def signalled(self, container_id: str, number: int, now: float) -> list[str]:
        """Take in a signal. A stop signal takes the services out until the container dies or survives it.

        Services with SERVICE_DRAIN=false stay until it dies.
        """
        watched = self._watched.get(container_id)
        if watched is None or container_id in self._failed or not is_stop(watched.container, number):
            return []
        self._draining[container_id] = now + watched.container.stop_timeout + STOP_MARGIN
        network_users = [self._watched[other] for other in self.network_users(container_id)]
        return [service_id for stopping in (watched, *network_users) for service_id in self._release(stopping)]

    def survivors(self, now: float) -> list[str]:
        """Return the containers that survived their stop timeout, and stop counting them as stopping."""
        over = [container_id for container_id, deadline in self._draining.items() if deadline <= now]
        for container_id in over:
            del self._draining[container_id]
        return [affected for container_id in over for affected in (container_id, *self.network_users(container_id))]

    def next_survivor(self) -> float | None:
        """Return when to call `survivors` next."""
        return min(self._draining.values(), default=None)

    def died(self, container_id: str, exit_code: int) -> list[str]:
        """Take in its end. A failed container keeps its services if so configured, unless it got a stop signal."""
        failed = 0 < exit_code < BY_SIGNAL
        if self._keep_failed and failed and container_id in self._watched and container_id not in self._draining:
            self._failed.add(container_id)
            return []
        return self.removed(container_id)

    def removed(self, container_id: str) -> list[str]:
        """Forget a container that no longer exists."""
        self._draining.pop(container_id, None)
        self._failed.discard(container_id)
        return self._release(self._watched.pop(container_id, None))

    def failed(self, container_id: str) -> bool:
        """Whether it exited with an error and kept its services."""
        return container_id in self._failed

    def _release(self, watched: Watched | None) -> list[str]:
        return self._affected(_ids(watched.derived) if watched else [])

    def _affected(self, ids: Iterable[str]) -> list[str]:
        """Add the same ids in other cases: the loser of one may leave it to a container that requests the other."""
        found = list(dict.fromkeys(ids))
        keys = {folded(service_id) for service_id in found}
        twins = (service.id for service in self._services() if folded(service.id) in keys)
        found += dict.fromkeys(service_id for service_id in twins if service_id not in found)
        # A desired service is never removed, even if it is in here.
        self.released.update(found)
        return found


def _ids(derived: ContainerServices) -> list[str]:
    return [service.id for service in derived.services]
