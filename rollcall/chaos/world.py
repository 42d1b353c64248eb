"""What a plan of faults depends on: the hosts, their roles, and what runs on them. No I/O."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property


@dataclass(frozen=True)
class Instance:
    """A container that serves requests, as one of a service's instances."""

    service: str
    container: str


@dataclass(frozen=True)
class Place:
    """One host.

    `running` are the names of its containers that run, `tools` the programs that it has; `free_mib` is the room on the
    file system of Consul's data, None if it is unknown.
    """

    name: str
    address: str
    is_server: bool = False
    is_front: bool = False
    running: frozenset[str] = frozenset()
    instances: tuple[Instance, ...] = ()
    tools: frozenset[str] = frozenset()
    free_mib: int | None = None
    ssh_port: int = 22


@dataclass(frozen=True)
class World:
    """All hosts of a fleet, in the inventory's order."""

    places: tuple[Place, ...]

    @cached_property
    def bearable(self) -> int:
        """How many Consul servers may be down at once while the others keep the quorum."""
        return (sum(place.is_server for place in self.places) - 1) // 2

    @cached_property
    def _counts(self) -> Mapping[str, int]:
        return Counter(one.service for place in self.places for one in place.instances)

    def others_of(self, service: str, place: Place) -> int:
        """Return how many instances of a service serve on other hosts."""
        return self._counts[service] - sum(one.service == service for one in place.instances)

    def spare_instances(self, place: Place) -> list[str]:
        """Return a host's containers that may die: each of their services has another instance, in any container."""
        return sorted(
            {one.container for one in place.instances}
            - {one.container for one in place.instances if not self._survives(one, place)}
        )

    def _survives(self, instance: Instance, place: Place) -> bool:
        beside = any(one.service == instance.service and one.container != instance.container for one in place.instances)
        return beside or self.others_of(instance.service, place) > 0

    def alone_on(self, place: Place) -> list[str]:
        """Return the services that only this host serves."""
        return sorted({one.service for one in place.instances if not self.others_of(one.service, place)})

    def others(self, place: Place) -> list[str]:
        """Return the addresses of the other hosts."""
        return [one.address for one in self.places if one.name != place.name]
