"""The containers of this host as the registrator knows them, and the services they should have. No I/O."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from rollcall.registrator.docker.container import Container
from rollcall.registrator.docker.stop_signals import is_stop
from rollcall.registrator.services.identity import folded
from rollcall.registrator.services.services import Reading, Service, claims

# Added to a container's stop time-out before it counts as having survived its stop signal, in seconds.
STOP_MARGIN = 2.0
# An exit status from here on means that a signal ended the process.
BY_SIGNAL = 128


@dataclass(frozen=True)
class Watched:
    """A container and what it came to when last looked at."""

    container: Container
    reading: Reading


@dataclass(frozen=True)
class Clash:
    """An id that a container asks for and another one has."""

    container: Container
    id: str
    owner: Container

    def __str__(self) -> str:
        """Say so, to whoever reads of the container."""
        return f"the id {self.id} is taken by {self.owner}"


@dataclass(frozen=True)
class Remark:
    """A sentence about a container; `ignored`: it tells why a part of it is no service."""

    container: Container
    text: str
    ignored: bool = True

    def __str__(self) -> str:
        """Word it as a log line."""
        return f"{'ignored, ' if self.ignored else ''}container {self.container}: {self.text}"


class Fleet:
    """What runs, what is on its way out, and which services follow from it.

    Each method that changes it returns the ids of the services it may concern, in the order of their ports, and those
    that others spell in another case.
    """

    def __init__(self, *, keep_failed: bool) -> None:
        """`keep_failed`: a container that exits with an error of its own keeps its services."""
        self._keep_failed = keep_failed
        self._watched: dict[str, Watched] = {}
        self._draining: dict[str, float] = {}
        self._failed: set[str] = set()
        # Services that should be no more, until the agent is known not to have them.
        self.released: set[str] = set()
        self._told: frozenset[tuple[str, str]] = frozenset()

    def __contains__(self, container_id: str) -> bool:
        """Whether this container is known."""
        return container_id in self._watched

    def known(self) -> list[str]:
        """The ids of all containers that are known, failed ones with kept services included."""
        return list(self._watched)

    def borrowers(self, container_id: str) -> list[str]:
        """The containers that use this one's network, by however many steps."""
        return [other for other, watched in self._watched.items() if container_id in watched.reading.passed]

    def desired(self) -> dict[str, Service]:
        """Every service that should be registered, by id; `claims` tells whose it is."""
        standing = (
            service
            for container_id, watched in self._watched.items()
            for service in watched.reading.services
            if not (service.drain and self._stops(container_id, watched))
        )
        owners = claims(standing)
        return {service.id: service for service in self._services() if owners.get(folded(service.id)) is service}

    def _stops(self, container_id: str, watched: Watched) -> bool:
        """Whether it was told to stop, or one whose network it uses."""
        return bool(self._draining) and not self._draining.keys().isdisjoint((container_id, *watched.reading.passed))

    def clashes(self) -> list[Clash]:
        """Every id that a container asks for in vain."""
        owners = claims(self._services())
        return [
            Clash(service.container, service.id, owner.container)
            for service in self._services()
            if (owner := owners[folded(service.id)]) is not service
        ]

    def remarks(self) -> list[Remark]:
        """What people should know of every container."""
        return [
            *(Remark(one.container, text) for one in self._watched.values() for text in one.reading.remarks),
            *(Remark(one.container, str(one)) for one in self.clashes()),
            *(
                Remark(one.container, text, ignored=False)
                for one in self._watched.values()
                for text in one.reading.notes
            ),
        ]

    def news(self) -> list[Remark]:
        """Those remarks that were not there at the last call."""
        remarks = {(one.container.id, one.text): one for one in self.remarks()}
        new = [one for key, one in remarks.items() if key not in self._told]
        self._told = frozenset(remarks)
        return new

    def disowned(self, containers: Mapping[str, str]) -> set[str]:
        """Of registered ids, with the containers they were registered for by short id: those that these no longer have.

        An older registrator may have registered a running container by an id that this one does not use.
        """
        mine = {
            watched.container.short_id: {service.id for service in watched.reading.services}
            for watched in self._watched.values()
        }
        return {
            service_id
            for service_id, container in containers.items()
            if container in mine and service_id not in mine[container]
        }

    def _services(self) -> Iterator[Service]:
        for watched in self._watched.values():
            yield from watched.reading.services

    def saw(self, container: Container, reading: Reading) -> list[str]:
        """A running container was looked at."""
        before = self._watched.get(container.id)
        self._watched[container.id] = Watched(container, reading)
        self._failed.discard(container.id)
        if before and before.container.started_at != container.started_at:
            # The stop signal went to a process that is no more, even if nobody saw it die.
            self._draining.pop(container.id, None)
        return self._concerned([*self._release(before), *_ids(reading)])

    def signalled(self, container_id: str, number: int, now: float) -> list[str]:
        """A signal was sent to it. A stop signal takes its services out until it dies or has survived.

        Those that do not want to be drained stay until it dies.
        """
        watched = self._watched.get(container_id)
        if watched is None or container_id in self._failed or not is_stop(watched.container, number):
            return []
        self._draining[container_id] = now + watched.container.stop_timeout + STOP_MARGIN
        borrowed = [self._watched[other] for other in self.borrowers(container_id)]
        return [service_id for one in (watched, *borrowed) for service_id in self._release(one)]

    def survivors(self, now: float) -> list[str]:
        """The containers whose time to stop is over, no longer counted as stopping."""
        over = [container_id for container_id, deadline in self._draining.items() if deadline <= now]
        for container_id in over:
            del self._draining[container_id]
        return [one for container_id in over for one in (container_id, *self.borrowers(container_id))]

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
        return self._concerned(_ids(watched.reading) if watched else [])

    def _concerned(self, ids: Iterable[str]) -> list[str]:
        """Add the same ids in other spellings: who loses one gives way to who asks for the other."""
        found = list(dict.fromkeys(ids))
        keys = {folded(one) for one in found}
        found += dict.fromkeys(one.id for one in self._services() if folded(one.id) in keys and one.id not in found)
        # Nothing that should be is ever removed, whether or not it stands here.
        self.released.update(found)
        return found


def _ids(reading: Reading) -> list[str]:
    return [service.id for service in reading.services]
