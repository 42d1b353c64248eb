"""Waiting for something to become right, and saying what is still wrong."""

from rollcall.verify.check_error import wait_until_none


def test_it_ends_when_nothing_is_wrong_any_more() -> None:
    answers = iter([["a", "b"], ["b"], []])
    assert wait_until_none(lambda: next(answers), seconds=60) == []


def test_it_ends_with_what_is_still_wrong() -> None:
    assert wait_until_none(lambda: ["app1 has not joined"], seconds=0.05) == ["app1 has not joined"]
