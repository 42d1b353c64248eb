"""Choose faults at random, the same ones for the same seed. No I/O."""

from collections import Counter
from collections.abc import Iterator, Sequence
from random import Random

from rollcall.chaos.faults import Fault
from rollcall.chaos.planned import Planned, Round, are_bearable
from rollcall.chaos.world import Place, World


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


def plan(world: World, faults: Sequence[Fault], seed: int, fill_mib: int, at_once: int = 1) -> Iterator[Round]:
    """Yield rounds without end: each kind of fault once, in random order at random places, and again.

    A round has up to `at_once` faults, as many as the fleet bears together.
    """
    # A plan must be repeatable, not unpredictable.
    random = Random(seed)  # noqa: S311
    possible = {fault.name: places for fault in faults if (places := places_for(fault, world, fill_mib))}
    while possible:
        left = [fault for fault in faults if fault.name in possible]
        random.shuffle(left)
        while left:
            chosen: list[Planned] = []
            for fault in list(left):
                if len(chosen) < at_once and (found := _beside(chosen, fault, possible[fault.name], world, random)):
                    chosen.append(found)
                    left.remove(fault)
            # The ones that last longest begin first, so that the others happen meanwhile.
            yield Round(tuple(sorted(chosen, key=lambda one: -one.fault.hold_seconds)))


def _beside(
    chosen: Sequence[Planned], fault: Fault, places: Sequence[Place], world: World, random: Random
) -> Planned | None:
    """Choose a place at which a fault may happen together with those that are chosen already, if there is any."""

    def bearable(place: Place) -> list[Planned]:
        containers = world.spare_instances(place) if fault.container == "*" else [fault.container]
        each = (Planned(fault, place, container) for container in containers)
        return [one for one in each if are_bearable([*chosen, one], world)]

    found = [own for place in places if (own := bearable(place))]
    if not found:
        return None
    own = random.choice(found)
    return random.choice(own) if fault.container == "*" else own[0]


def times(planned: Iterator[Round], count: int) -> Iterator[Round]:
    """Yield rounds until each kind of fault has happened `count` times."""
    happened = Counter[str]()
    for one in planned:
        names = [own.fault.name for own in one.faults]
        # No kind happens again before every other one has as often.
        if any(happened[name] >= count for name in names):
            return
        happened.update(names)
        yield one


def within(planned: Iterator[Round], seconds: float) -> list[Round]:
    """Return what usually fits a time: at least one round, if there is any."""
    found: list[Round] = []
    left = seconds
    for one in planned:
        if found and left < one.usual_seconds:
            break
        found.append(one)
        left -= one.usual_seconds
    return found
