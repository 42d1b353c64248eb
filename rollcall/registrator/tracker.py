"""The containers of this host as the registrator knows them, and the services they should have. No I/O."""

from dataclasses import dataclass

from rollcall.registrator.docker.container import Container
from rollcall.registrator.docker.stop_signals import is_stop
from rollcall.registrator.services.services import Reading, Service

# Added to a container's stop time-out before it counts as having survived its stop signal, in seconds.
STOP_MARGIN = 2.0
# An exit status from here on means that a signal ended the process.
BY_SIGNAL = 128


@dataclass(frozen=True)
class Watched:
    """A container and what it came to when last looked at."""

    container: Container
    reading: Reading


class Fleet:
    """What runs, what is on its way out, and which services follow from it.

    Each method that changes it returns the ids of the services it may concern, in the order of their ports.
    """

    def __init__(self, *, keep_failed: bool) -> None:
        """`keep_failed`: a container that exits with an error of its own keeps its services."""
        self._keep_failed = keep_failed
        self._watched: dict[str, Watched] = {}
        self._draining: dict[str, float] = {}
        self._failed: set[str] = set()
        # Services that should be no more, until the agent is known not to have them.
        self.released: set[str] = set()

    def __contains__(self, container_id: str) -> bool:
        """Whether this container is known."""
        return container_id in self._watched

    def known(self) -> list[str]:
        """The ids of all containers that are known, failed ones with kept services included."""
        return list(self._watched)

    def borrowers(self, container_id: str) -> list[str]:
        """The containers that use this one's network."""
        return [other for other, watched in self._watched.items() if watched.container.lender == container_id]

    def desired(self) -> dict[str, Service]:
        """Every service that should be registered, by id. Of two with one id, the first container's counts."""
        desired: dict[str, Service] = {}
        for container_id, watched in self._watched.items():
            draining = container_id in self._draining
            for service in watched.reading.services:
                if not (draining and service.drain):
                    desired.setdefault(service.id, service)
        return desired

    def saw(self, container: Container, reading: Reading) -> tuple[list[str], list[str]]:
        """A running container was looked at. Also returns what to tell people, if it is new."""
        before = self._watched.get(container.id)
        remarks = [*reading.remarks, *self._clashes(container, reading)]
        reading = Reading(reading.services, tuple(remarks))
        self._watched[container.id] = Watched(container, reading)
        self._failed.discard(container.id)
        if before and before.container.started_at != container.started_at:
            # The stop signal went to a process that is no more, even if nobody saw it die.
            self._draining.pop(container.id, None)
        news = [remark for remark in remarks if before is None or remark not in before.reading.remarks]
        return list(dict.fromkeys([*self._release(before), *_ids(reading)])), news

    def signalled(self, container_id: str, number: int, now: float) -> list[str]:
        """A signal was sent to it. A stop signal takes its services out until it dies or has survived.

        Those that do not want to be drained stay until it dies.
        """
        watched = self._watched.get(container_id)
        if watched is None or container_id in self._failed or not is_stop(watched.container, number):
            return []
        self._draining[container_id] = now + watched.container.stop_timeout + STOP_MARGIN
        return self._release(watched)

    def survivors(self, now: float) -> list[str]:
        """The containers whose time to stop is over, no longer counted as stopping."""
        over = [container_id for container_id, deadline in self._draining.items() if deadline <= now]
        for container_id in over:
            del self._draining[container_id]
        return over

    def next_survivor(self) -> float | None:
        """When `survivors` should be asked next."""
        return min(self._draining.values(), default=None)

    def died(self, container_id: str, exit_code: int) -> list[str]:
        """It runs no more. One that failed keeps its services if so configured, unless it was told to stop."""
        failed = 0 < exit_code < BY_SIGNAL
        if self._keep_failed and failed and container_id in self._watched and container_id not in self._draining:
            self._failed.add(container_id)
            return []
        return self.removed(container_id)

    def removed(self, container_id: str) -> list[str]:
        """It exists no more."""
        self._draining.pop(container_id, None)
        self._failed.discard(container_id)
        return self._release(self._watched.pop(container_id, None))

    def failed(self, container_id: str) -> bool:
        """Whether it has exited with an error and kept its services."""
        return container_id in self._failed

    def _release(self, watched: Watched | None) -> list[str]:
        ids = _ids(watched.reading) if watched else []
        self.released.update(ids)
        return ids

    def _clashes(self, container: Container, reading: Reading) -> list[str]:
        owners = {
            service.id: watched.container
            for other, watched in reversed(self._watched.items())
            if other != container.id
            for service in watched.reading.services
        }
        return [
            f"the id {service.id} is taken by {owners[service.id]}"
            for service in reading.services
            if service.id in owners
        ]


def _ids(reading: Reading) -> list[str]:
    return [service.id for service in reading.services]
