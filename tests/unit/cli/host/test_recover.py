"""How `rollcall recover` waits until the servers have settled."""

from typing import Any

import pytest

from rollcall.cli.host import recover
from rollcall.errors import RollcallError
from rollcall.hosts import recovery


class Clock:
    """A clock that only sleeping moves on; a loop without a pause would never end by it."""

    def __init__(self) -> None:
        self.now = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Reads:
    """Servers that answer the same each time, and how often they were read."""

    def __init__(self, *found: str) -> None:
        self.found = list(found)
        self.count = 0

    def __call__(self, *_: object) -> tuple[list[str], dict[str, str]]:
        self.count += 1
        assert self.count <= 100, "the servers are read without a pause"
        return self.found, {}


def plan_of(monkeypatch: pytest.MonkeyPatch, reads: Reads, *outcomes: Any) -> tuple[Any, float]:
    """Return what the wait ends with, and its seconds; the last outcome repeats, and an error is raised."""
    clock, left = Clock(), list(outcomes)

    def plan(*_: object) -> Any:
        outcome = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(outcome, RollcallError):
            raise outcome
        return outcome

    monkeypatch.setattr(recover, "time", clock)
    monkeypatch.setattr(recover, "_servers", reads)
    monkeypatch.setattr(recovery, "plan", plan)
    try:
        return recover._plan("p.py", None, None, ""), clock.now  # type: ignore[arg-type]
    except RollcallError as problem:
        return str(problem), clock.now


def test_servers_that_may_elect_a_leader_are_read_once_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    reads = Reads("c1", "c2")
    assert plan_of(monkeypatch, reads, RollcallError("they elect one")) == ("they elect one", 16)
    assert reads.count == 17


def test_a_leader_ends_the_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan_of(monkeypatch, Reads("c1"), RollcallError("not yet"), "a plan", None) == (None, 2)


def test_a_plan_counts_once_the_servers_have_settled(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan_of(monkeypatch, Reads("c1"), RollcallError("not yet"), "a plan") == ("a plan", 16)


def test_nobody_who_responds_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    assert plan_of(monkeypatch, Reads(), RollcallError("no data")) == ("no data", 0)
