"""Wait until a check passes, or return what is still wrong."""

import time

from rollcall.verify.check_error import wait_until_none


def test_the_wait_ends_without_problems() -> None:
    answers = iter([["a", "b"], ["b"], []])
    assert wait_until_none(lambda: next(answers), seconds=60) == []


def test_the_wait_returns_the_problems_that_are_left() -> None:
    assert wait_until_none(lambda: ["app1 has not joined"], seconds=0.05) == ["app1 has not joined"]


def test_checks_that_share_their_start_do_not_wait_one_after_the_other() -> None:
    begun = time.monotonic() - 60
    looks = iter([["a"], ["b"], ["c"]])
    assert wait_until_none(lambda: next(looks), seconds=60, since=begun) == ["b"]


def test_what_passes_at_the_second_look_passes_however_late_it_is() -> None:
    looks = iter([["a"], []])
    assert wait_until_none(lambda: next(looks), seconds=60, since=time.monotonic() - 3600) == []


def test_hosts_are_read_again_before_each_look_but_the_first() -> None:
    said: list[str] = []
    looks = iter([["a"], ["b"], []])

    def problems() -> list[str]:
        said.append("look")
        return next(looks)

    assert wait_until_none(problems, seconds=60, again=lambda: said.append("read")) == []
    assert said == ["look", "read", "look", "read", "look"]
