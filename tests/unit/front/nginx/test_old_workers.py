"""Earlier generations whose workers still finish their connections."""

import signal
from collections.abc import Collection

import pytest

from rollcall.front.nginx import workers
from rollcall.front.nginx.old_workers import OldWorkers


class Processes:
    """The workers that are shutting down, and the signals sent."""

    def __init__(self) -> None:
        self.ending: set[int] = set()
        self.sent: list[tuple[int, int]] = []

    def send_signal(self, pids: Collection[int], number: signal.Signals) -> None:
        self.sent += [(pid, number) for pid in sorted(pids)]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    made = Processes()
    monkeypatch.setattr(workers, "ending", lambda: frozenset(made.ending))
    monkeypatch.setattr(workers, "send_signal", made.send_signal)
    return made


def test_workers_count_for_the_generation_that_replaced_them(processes: Processes) -> None:
    old = OldWorkers()
    processes.ending = {10, 11}
    old.update(2)
    processes.ending |= {20, 21}
    old.update(3)
    assert old.generations == 2
    processes.ending -= {10, 11, 20}
    old.update(3)
    assert old.generations == 1


def test_only_the_oldest_workers_beyond_the_limit_are_stopped(processes: Processes) -> None:
    old = OldWorkers()
    for number in (2, 3, 4):
        processes.ending |= {number * 10, number * 10 + 1}
        old.update(number)
    assert old.stop_beyond(1) == 2
    assert processes.sent == [(pid, signal.SIGTERM) for pid in (20, 21, 30, 31)]
    assert old.generations == 1
    assert old.stop_beyond(1) == 0
