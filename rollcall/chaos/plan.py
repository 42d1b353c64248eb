"""Choose faults at random, the same ones for the same seed. No I/O."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from random import Random

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


def refusal(fault: Fault, place: Place, world: World, fill_mib: int) -> str:
    """Return why a fault cannot or must not happen to a host, or ""."""
    return _cannot(fault, place, world, fill_mib) or _must_not(fault, place, world)


def _cannot(fault: Fault, place: Place, world: World, fill_mib: int) -> str:
    if fault.container not in ("", "*") and fault.container not in place.running:
        return f"{fault.container} does not run there"
    if missing := sorted(fault.tools - place.tools):
        return f"it has no {' and no '.join(missing)}"
    if fault.name == "cut" and not world.others(place):
        return "it is alone"
    if fault.name == "disk" and (place.free_mib is None or place.free_mib > fill_mib):
        free = "an unknown number of" if place.free_mib is None else str(place.free_mib)
        return f"{free} MiB are free there, more than --fill {fill_mib}"
    return ""


def _must_not(fault: Fault, place: Place, world: World) -> str:
    if fault.ends_a_vote and place.is_server and world.bearable < 1:
        return "the quorum does not bear the loss of a Consul server"
    if fault.takes_instances and (alone := world.alone_on(place)):
        return f"no other host serves {', '.join(alone)}"
    if fault.container == "*" and not world.spare_instances(place):
        return "no service has an instance there and another one elsewhere"
    return ""


def places_for(fault: Fault, world: World, fill_mib: int) -> list[Place]:
    """Return the hosts that a fault may happen to."""
    return [place for place in world.places if not refusal(fault, place, world, fill_mib)]


def impossible(faults: Sequence[Fault], world: World, fill_mib: int) -> list[str]:
    """Return a sentence for each fault that may happen to no host, with the reasons."""
    sentences = []
    for fault in faults:
        if not places_for(fault, world, fill_mib):
            reasons: dict[str, list[str]] = {}
            for place in world.places:
                reasons.setdefault(refusal(fault, place, world, fill_mib), []).append(place.name)
            listed = "; ".join(f"{', '.join(names)}: {reason}" for reason, names in reasons.items())
            sentences.append(f"no host for {fault.name} ({listed})")
    return sentences


def plan(world: World, faults: Sequence[Fault], seed: int, fill_mib: int) -> Iterator[Planned]:
    """Yield faults without end: each kind once, in random order at random places, and again.

    One after the other, so no two Consul servers are ever down at once.
    """
    # A plan must be repeatable, not unpredictable.
    random = Random(seed)  # noqa: S311
    possible = {fault.name: places for fault in faults if (places := places_for(fault, world, fill_mib))}
    while possible:
        order = [fault for fault in faults if fault.name in possible]
        random.shuffle(order)
        for fault in order:
            place = random.choice(possible[fault.name])
            container = random.choice(world.spare_instances(place)) if fault.container == "*" else fault.container
            yield Planned(fault, place, container)


def within(planned: Iterator[Planned], seconds: float) -> list[Planned]:
    """Return what usually fits a time: at least one fault, if there is any."""
    found: list[Planned] = []
    left = seconds
    for one in planned:
        if found and left < one.fault.usual_seconds:
            break
        found.append(one)
        left -= one.fault.usual_seconds
    return found
