"""A release of one container: from any interruption it ends in the same state, and start-first never leaves nobody."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.services.slot import Found, Order, Place, Slot, Step, next_step

# More than any way takes, so that a circle fails the test.
MOST_STEPS = 60


@dataclass
class Container:
    spec: str
    runs: bool = True
    draining: bool = False


@dataclass
class Host:
    """Containers by place, as a host would have them after each atomic command."""

    at: dict[Place, Container] = field(default_factory=dict)
    # The registrator keeps what it knew of the name's maintenance.
    drained_name: bool = False
    fresh: bool = False

    def slot(self, wanted: str) -> Slot:
        found: dict[Place, Found] = {
            place: Found(one.spec == wanted, one.runs, one.runs, one.draining) for place, one in self.at.items()
        }
        return Slot(
            found.get("current"), found.get("next"), found.get("retired"), wanted=wanted != "", fresh=self.fresh
        )

    @property
    def in_rotation(self) -> int:
        return sum(one.runs and not one.draining for one in self.at.values())

    def commands(self, wanted: str, order: Order) -> Iterator[None]:
        """Release, and stop after each command."""
        self.fresh = False
        for _ in range(MOST_STEPS):
            step = next_step(self.slot(wanted), order)
            if step is None:
                return
            yield from self.perform(step, wanted)
        pytest.fail(f"no end: {self}")

    def perform(self, step: Step, wanted: str) -> Iterator[None]:
        """Make a step, and stop after each command, where an interruption may fall."""
        place = step.place
        if step.action == "run":
            draining = place == "current" and self.drained_name
            assert place not in self.at
            self.at[place] = Container(wanted, draining=draining)
            self.fresh = True
        elif step.action == "start":
            self.at[place].runs = True
            self.fresh = True
        elif step.action == "await":
            assert self.at[place].runs
        elif step.action == "undrain":
            self.at[place].draining = False
            self.drained_name = self.drained_name and place != "current"
        elif step.action in ("take out", "retire"):
            one = self.at[place]
            one.draining = one.draining or one.runs
            yield
            one.runs = False
            self.drained_name = self.drained_name or place == "current"
            yield
            del self.at[place]
            if step.action == "retire":
                assert "retired" not in self.at
                self.at["retired"] = one
        else:
            assert "current" not in self.at
            one = self.at.pop(place)
            self.at["current"] = one
            if step.action == "restore":
                one.runs = True
            else:
                self.drained_name = False
        yield


def release(host: Host, wanted: str, order: Order, commands: int | None = None) -> None:
    """Release, and be killed after so many commands."""
    for _command in islice(host.commands(wanted, order), commands):
        pass


ORDERS = st.sampled_from(["start-first", "stop-first"])
SPECS = st.sampled_from("abc")
INTERRUPTED = st.lists(st.tuples(SPECS, ORDERS, st.integers(1, 12)), max_size=6)


@given(INTERRUPTED, SPECS, ORDERS)
def test_from_every_interruption_a_release_ends_with_the_declared_container_alone(
    history: list[tuple[str, Order, int]], wanted: str, order: Order
) -> None:
    host = Host({"current": Container("a")})
    for spec, earlier, commands in history:
        release(host, spec, earlier, commands)
    release(host, wanted, order)
    assert host.at == {"current": Container(wanted)}


@given(st.lists(st.tuples(SPECS, st.integers(1, 12)), max_size=8), SPECS)
def test_start_first_always_leaves_one_in_rotation(history: list[tuple[str, int]], wanted: str) -> None:
    host = Host({"current": Container("a")})
    for spec, commands in [*history, (wanted, 1000)]:
        for _command in islice(host.commands(spec, "start-first"), commands):
            assert host.in_rotation >= 1, host


@given(INTERRUPTED)
def test_what_is_no_longer_declared_goes_altogether(history: list[tuple[str, Order, int]]) -> None:
    host = Host({"current": Container("a")})
    for spec, earlier, commands in history:
        release(host, spec, earlier, commands)
    release(host, "", "start-first")
    assert host.at == {}


def steps(slot: Slot, order: Order = "start-first") -> tuple[str, str] | None:
    step = next_step(slot, order)
    return (step.action, step.place) if step else None


OLD, NEW = Found(new=False, runs=True, serves=True), Found(new=True, runs=True, serves=True)
DUMB = Found(new=True, runs=True, serves=False)


@pytest.mark.parametrize(
    ("slot", "order", "expected"),
    [
        (Slot(OLD), "start-first", ("run", "next")),
        (Slot(OLD), "stop-first", ("retire", "current")),
        (Slot(OLD, held=True), "start-first", ("retire", "current")),
        (Slot(OLD, DUMB), "start-first", ("await", "next")),
        (Slot(OLD, NEW), "start-first", ("take out", "current")),
        (Slot(None, NEW), "start-first", ("rename", "next")),
        (Slot(DUMB, None, OLD), "stop-first", ("await", "current")),
        (Slot(NEW, None, OLD), "stop-first", ("take out", "retired")),
        (Slot(DUMB), "start-first", None),
        (Slot(DUMB, fresh=True), "start-first", ("await", "current")),
        (Slot(), "start-first", ("run", "current")),
        (Slot(wanted=False), "start-first", None),
    ],
)
def test_the_next_step(slot: Slot, order: Order, expected: tuple[str, str] | None) -> None:
    assert steps(slot, order) == expected
