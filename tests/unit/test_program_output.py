"""Which line of a failed program's output people are told."""

import pytest

from rollcall.program_output import reason

CONFLICT = 'docker: Error response from daemon: Conflict. The container name "/web" is already in use.'


@pytest.mark.parametrize(
    "hint",
    ["See 'docker run --help'.", "Run 'docker run --help' for more information", "See 'docker service create --help'."],
    ids=["Docker 20.10 to 26", "Docker 27 and newer", "a command of two words"],
)
def test_dockers_hint_is_not_the_reason(hint: str) -> None:
    assert reason(f"{CONFLICT}\n\n{hint}\n") == CONFLICT


def test_a_program_that_says_only_a_hint_says_no_reason() -> None:
    assert reason("Run 'docker run --help' for more information") == ""


def test_the_first_output_that_says_something_gives_the_reason() -> None:
    assert reason(" \n", "loading\nno space left on device\n\n") == "no space left on device"
    assert reason("refused\n", "loading\n") == "refused"


def test_a_line_of_data_is_no_reason() -> None:
    document = '{"Env": ["PASSWORD=secret"], ' + '"a": 1, ' * 200 + "}"
    assert reason("", f"reading\n{document}\n") == "reading"
    assert reason("", document) == ""
