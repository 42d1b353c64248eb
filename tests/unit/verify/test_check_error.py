"""Wait until a check passes, or return what is still wrong."""

from rollcall.verify.check_error import wait_until_none


def test_the_wait_ends_without_problems() -> None:
    answers = iter([["a", "b"], ["b"], []])
    assert wait_until_none(lambda: next(answers), seconds=60) == []


def test_the_wait_returns_the_problems_that_are_left() -> None:
    assert wait_until_none(lambda: ["app1 has not joined"], seconds=0.05) == ["app1 has not joined"]
