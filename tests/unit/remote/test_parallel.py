"""Work on several hosts at once."""

import threading

import pytest

from rollcall.errors import RollcallError
from rollcall.remote.parallel import on_each


def test_all_are_worked_on_at_once_and_the_results_stay_in_order() -> None:
    together = threading.Barrier(3, timeout=10)

    def work(number: int) -> int:
        together.wait()
        return number * 2

    assert on_each([3, 1, 2], work) == [6, 2, 4]


def test_no_more_at_once_than_said() -> None:
    never = threading.Barrier(3, timeout=0.3)
    with pytest.raises(threading.BrokenBarrierError):
        on_each(range(3), lambda _: never.wait(), at_once=2)


def test_nothing_to_do() -> None:
    assert on_each([], len) == []


def test_the_first_error_comes_once_all_have_ended() -> None:
    ended = []

    def work(name: str) -> None:
        ended.append(name)
        if name != "c":
            raise RollcallError(name)

    with pytest.raises(RollcallError, match=r"^a$"):
        on_each("abc", work)
    assert sorted(ended) == ["a", "b", "c"]
