"""What is not as it should be."""

import pytest

from rollcall.front.status.problems import Problems


def test_a_problem_is_logged_once_and_keeps_its_time(capsys: pytest.CaptureFixture[str]) -> None:
    problems = Problems()
    problems.are("refused", ["nginx refuses\nit"])
    (before,) = problems.all()
    problems.are("refused", ["nginx refuses\nit"])
    assert problems.all() == (before,)
    assert capsys.readouterr().err == "front: nginx refuses | it\n"


def test_a_problem_ends_and_others_of_another_kind_do_not() -> None:
    problems = Problems()
    problems.are("refused", ["one"])
    problems.are("catalog", ["two", "three"])
    problems.are("refused", [])
    problems.are("catalog", ["three"])
    assert [(one.kind, one.text) for one in problems.all()] == [("catalog", "three")]


def test_a_returning_problem_is_logged_again(capsys: pytest.CaptureFixture[str]) -> None:
    problems = Problems()
    for texts in (["full"], [], ["full"]):
        problems.are("hindered", texts)
    assert capsys.readouterr().err.count("front: full\n") == 2


def test_control_codes_are_replaced_in_the_log(
    capsys: pytest.CaptureFixture[str],
) -> None:
    Problems().are("metadata", ["a\x1b[2Jb\x85c\ud800"])
    assert capsys.readouterr().err == "front: a\N{REPLACEMENT CHARACTER}[2Jb | c\N{REPLACEMENT CHARACTER}\n"
