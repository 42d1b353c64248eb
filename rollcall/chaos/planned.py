"""A fault at a place, the ones that happen at the same time, and which of these a fleet bears. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass

from rollcall.chaos import host_scripts
from rollcall.chaos.faults import Fault
from rollcall.chaos.world import Place, World


@dataclass(frozen=True)
class Planned:
    """A fault at a place; `container` is the one that it is about, if any."""

    fault: Fault
    place: Place
    container: str = ""

    @property
    def where(self) -> str:
        """Return the place as people write it."""
        own = f"/{self.container}" if self.fault.container == "*" else ""
        return f"{self.place.name}{own}"

    @property
    def label(self) -> str:
        """Return fault and place."""
        return f"{self.fault.name} on {self.where}"

    @property
    def is_silent(self) -> bool:
        """Whether requests to the host's instances get no response, not even a refusal."""
        return self.fault.scope == "host" and bool(self.place.instances)

    @property
    def ends_a_vote(self) -> bool:
        """Whether a Consul server is down meanwhile."""
        return self.fault.ends_a_vote and self.place.is_server

    @property
    def takes_a_front(self) -> bool:
        """Whether the visitors of the host's front notice."""
        return self.place.is_front and (self.fault.scope == "host" or self.fault.name == "front")

    @property
    def blinds_a_front(self) -> bool:
        """Whether the host's front may miss what changes meanwhile."""
        return self.place.is_front and self.fault.container in ("consul", "front")

    @property
    def loses_a_server(self) -> bool:
        """Whether a Consul server comes back as a new one, which it may only once the others have noticed it gone."""
        return self.fault.name == "wipe" and self.place.is_server

    @property
    def silences_an_agent(self) -> bool:
        """Whether the host's Consul agent is away for a while, so that it helps nobody to notice anything."""
        return self.fault.scope in ("agent", "host")

    def taken(self) -> set[tuple[str, str]]:
        """Return the containers, each with its host, whose instances may be out of service meanwhile."""
        every = {(self.place.name, one.container) for one in self.place.instances}
        return every if self.fault.ends_a_vote else every & {(self.place.name, self.container)}

    def undo(self, world: World) -> str:
        """Return the commands that end it."""
        return self.fault.end(world, self.place, self.container)

    def begin(self, world: World) -> str:
        """Return the whole script that begins it on its host."""
        fault = self.fault.begin(world, self.place, self.container)
        return host_scripts.begin(self.fault.name, fault, self.undo(world), self.fault.hold_seconds)

    def end(self) -> str:
        """Return the whole script that ends it on its host."""
        return host_scripts.end(self.fault.name)


@dataclass(frozen=True)
class Round:
    """Faults that happen at the same time, in the order in which they begin."""

    faults: tuple[Planned, ...]

    @property
    def label(self) -> str:
        """Return faults and places."""
        return " and ".join(one.label for one in self.faults)

    @property
    def usual_seconds(self) -> float:
        """Return how long it usually takes, until all is right again."""
        return max(one.fault.usual_seconds for one in self.faults)


def are_bearable(faults: Sequence[Planned], world: World) -> bool:
    """Return whether the fleet bears these faults at the same time by the promises that it bears each of them by.

    Each is on a host of its own; the quorum survives, every service keeps an instance, and all fronts but one serve.
    While requests run into a silent host, no front misses that Consul has noticed. A server that loses its data is the
    only agent that is away: with fewer witnesses the others need more than its time to notice (docs/life.md).
    """
    if len(faults) < 2:
        return True
    taken = {one for fault in faults for one in fault.taken()}
    instances = [((place.name, own.container), own.service) for place in world.places for own in place.instances]
    return (
        len({one.place.name for one in faults}) == len(faults)
        and sum(one.ends_a_vote for one in faults) <= world.bearable
        and {name for where, name in instances if where not in taken} == {name for _, name in instances}
        and sum(one.takes_a_front for one in faults) <= 1
        and not (any(one.is_silent for one in faults) and any(one.blinds_a_front for one in faults))
        and not (any(one.loses_a_server for one in faults) and sum(one.silences_an_agent for one in faults) > 1)
    )
