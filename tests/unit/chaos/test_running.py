"""A run of faults: each is ended, also on Ctrl-C; one that leaves something wrong is the last."""

import itertools
import os
import signal
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from chaos_world import SIX
from status_world import all_well, status

from rollcall.chaos import running
from rollcall.chaos.faults import FAULTS
from rollcall.chaos.planned import Planned, Round
from rollcall.chaos.running import Run
from rollcall.chaos.verdict import Seen
from rollcall.contract.problems import Problem
from rollcall.errors import RollcallError
from rollcall.status.troubles import Trouble

WELL = Seen((), frozenset({"app1/app1:web-1:80"}))
ILL = Seen(("app1: its DNS does not run",), frozenset())


class Shell:
    """Notes what it runs; what `fails` names fails, and `on` is called at each command."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.fails = ""
        self.on: Any = lambda _what: None

    def read(self, command: str, timeout_seconds: float = 0) -> str:
        what = "begin" if "setsid sh" in command else "heal" if "*.undo" in command else "end"
        self.ran.append(what)
        self.on(what)
        if what == self.fails:
            raise RollcallError("on app1: no")
        return "cut\n" if what == "heal" else ""


class Load:
    """No visitors."""

    fronts = ("front1",)

    def __init__(self, *failing: bool) -> None:
        self.failing = itertools.chain(failing, itertools.repeat(failing[-1] if failing else False))

    def taken(self) -> list[Any]:
        return []

    def settle(self) -> None:
        pass

    def failures(self) -> tuple[str, ...]:
        return ("through front1: status 502",) * next(self.failing)


@pytest.fixture
def shell() -> Shell:
    return Shell()


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "REST_SECONDS", 0)
    monkeypatch.setattr(running, "POLL_SECONDS", 0)


def run(shell: Shell, *looks: Seen) -> Run:
    seen: Iterator[Seen] = itertools.chain(looks, itertools.repeat(looks[-1]))
    shells: Any = {place.name: shell for place in SIX.places}
    load: Any = Load()
    return Run(SIX, shells, lambda: next(seen), WELL, load, 0.2, lambda _text: None)


def test_what_is_wrong_for_a_moment_only_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = status(*all_well())
    ill = replace(whole, problems=(Trouble("Consul", Problem("short", "1 of 3 Consul servers is missing")),))
    looks = iter([ill, ill, whole])
    assert running.settled(lambda: next(looks)) == whole
    monkeypatch.setattr(running, "SETTLED_SECONDS", 0.1)
    assert running.settled(lambda: ill) == ill


def dns(count: int) -> Iterator[Round]:
    return iter([Round((Planned(FAULTS["dns"], SIX.places[3], "dns"),))] * count)


def go(one: Run, count: int = 2, seconds: float = 60) -> str:
    return one.go(dns(count), seconds, lambda: "")


def test_each_fault_is_ended_and_waited_for(shell: Shell) -> None:
    one = run(shell, ILL, ILL, WELL)
    assert go(one) == ""
    assert shell.ran == ["begin", "end"] * 2
    assert [outcome.is_good for outcome in one.outcomes] == [True, True]


def test_one_that_leaves_something_wrong_is_the_last(shell: Shell) -> None:
    one = run(shell, ILL)
    assert go(one) == "the fleet is not right again"
    assert [outcome.missing for outcome in one.outcomes] == [(*ILL.wrong, "not in rotation: app1/app1:web-1:80")]


def test_one_that_does_not_begin_is_ended_all_the_same(shell: Shell) -> None:
    shell.fails = "begin"
    one = run(shell, WELL)
    assert go(one) == "the fleet is not right again"
    assert shell.ran == ["begin", "end"]
    assert one.outcomes[0].missing == ("the fault did not begin: on app1: no",)


def test_one_that_cannot_be_ended_is_told(shell: Shell) -> None:
    shell.fails = "end"
    one = run(shell, WELL)
    go(one)
    assert "its guard on the host does within a minute: on app1: no" in one.outcomes[0].missing[0]


def test_a_host_that_cannot_be_read_is_not_right(shell: Shell) -> None:
    one = run(shell, WELL)

    def look() -> Seen:
        raise RollcallError("app1 did not respond within 30 s")

    one.look = look
    go(one)
    assert one.outcomes[0].missing == ("app1 did not respond within 30 s",)


def test_a_front_that_is_right_and_does_not_serve_is_waited_for(shell: Shell) -> None:
    one = run(shell, WELL)
    one.load = Load(True, True, False)  # type: ignore[assignment]
    assert go(one, 1) == ""
    one.load = Load(True)  # type: ignore[assignment]
    assert go(one, 1) == "the fleet is not right again"
    assert one.outcomes[-1].missing == ("requests fail through front1: status 502",)


def test_the_time_ends_it_after_the_first(shell: Shell) -> None:
    one = run(shell, WELL)
    assert go(one, seconds=0) == ""
    assert len(one.outcomes) == 1


def test_a_lost_lock_ends_it(shell: Shell) -> None:
    one = run(shell, WELL)
    assert one.go(dns(2), 60, lambda: "lost the fleet's lock: x") == "lost the fleet's lock: x"
    assert shell.ran == []


@pytest.mark.parametrize("during", ["begin", "end"])
def test_ctrl_c_ends_the_fault_and_waits_for_the_fleet(shell: Shell, during: str) -> None:
    def on(what: str) -> None:
        if what == during:
            os.kill(os.getpid(), signal.SIGINT)

    shell.on = on
    one = run(shell, ILL, WELL)
    with pytest.raises(KeyboardInterrupt):
        go(one)
    assert shell.ran == ["begin", "end"]
    assert len(one.outcomes) == 1
    assert one.outcomes[0].is_good


def test_a_second_ctrl_c_waits_no_longer(shell: Shell) -> None:
    shell.on = lambda _what: os.kill(os.getpid(), signal.SIGINT)
    one = run(shell, WELL)

    def look() -> Seen:
        raise KeyboardInterrupt

    one.look = look
    with pytest.raises(KeyboardInterrupt):
        go(one)
    assert shell.ran == ["begin", "end"]
    assert one.outcomes[0].missing == ("interrupted before all was right again",)


def test_faults_at_the_same_time_all_begin_before_the_first_ends_and_each_ends_in_its_time(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = run(shell, WELL)
    waits: list[float] = []
    monkeypatch.setattr(one._pause, "wait", lambda seconds: waits.append(round(seconds)))
    cut, dns = Planned(FAULTS["cut"], SIX.places[0]), Planned(FAULTS["dns"], SIX.places[3], "dns")
    assert one.go(iter([Round((cut, dns))]), 60, lambda: "") == ""
    assert shell.ran == ["begin", "begin", "end", "end"]
    assert waits[:2] == [0, FAULTS["cut"].hold_seconds]
    assert [outcome.planned.label for outcome in one.outcomes] == ["cut on consul1 and dns on app1"]


def test_ctrl_c_ends_every_fault_that_has_begun(shell: Shell) -> None:
    shell.on = lambda what: os.kill(os.getpid(), signal.SIGINT) if what == "begin" else None
    one = run(shell, WELL)
    cut, dns = Planned(FAULTS["cut"], SIX.places[0]), Planned(FAULTS["dns"], SIX.places[3], "dns")
    with pytest.raises(KeyboardInterrupt):
        one.go(iter([Round((cut, dns))]), 60, lambda: "")
    assert shell.ran == ["begin", "end"]


def test_ctrl_c_while_it_lasts_ends_it_early(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    one = run(shell, WELL)

    def wait(seconds: float) -> bool:
        if seconds > FAULTS["cut"].hold_seconds - 1:
            raise KeyboardInterrupt
        return False

    monkeypatch.setattr(one._pause, "wait", wait)
    with pytest.raises(KeyboardInterrupt):
        one.go(iter([Round((Planned(FAULTS["cut"], SIX.places[3]),))]), 60, lambda: "")
    assert shell.ran == ["begin", "end"]
    assert one.outcomes[0].is_good


def test_what_an_earlier_run_left_is_named_by_host(shell: Shell) -> None:
    shells: Any = {"app1": shell}
    assert running.heal(shells) == {"app1": ["cut"]}
