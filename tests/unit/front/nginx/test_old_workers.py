"""Earlier generations whose workers still end their connections."""

import signal
from collections.abc import Collection

import pytest

from rollcall.front.nginx import workers
from rollcall.front.nginx.old_workers import OldWorkers


class Processes:
    """The workers that end their connections, and who was sent a signal."""

    def __init__(self) -> None:
        self.ending: set[int] = set()
        self.told: list[tuple[int, int]] = []

    def tell(self, pids: Collection[int], number: signal.Signals) -> None:
        self.told += [(pid, number) for pid in sorted(pids)]


@pytest.fixture
def processes(monkeypatch: pytest.MonkeyPatch) -> Processes:
    made = Processes()
    monkeypatch.setattr(workers, "ending", lambda: frozenset(made.ending))
    monkeypatch.setattr(workers, "tell", made.tell)
    return made


def test_workers_count_by_the_generation_that_took_over(processes: Processes) -> None:
    old = OldWorkers()
    processes.ending = {10, 11}
    old.look(2)
    processes.ending |= {20, 21}
    old.look(3)
    assert old.generations == 2
    processes.ending -= {10, 11, 20}
    old.look(3)
    assert old.generations == 1


def test_the_oldest_beyond_the_bound_are_ended_and_no_other(processes: Processes) -> None:
    old = OldWorkers()
    for number in (2, 3, 4):
        processes.ending |= {number * 10, number * 10 + 1}
        old.look(number)
    assert old.end_beyond(1) == 2
    assert processes.told == [(pid, signal.SIGTERM) for pid in (20, 21, 30, 31)]
    assert old.generations == 1
    assert old.end_beyond(1) == 0
