"""A command that does not exist: a near name, or where all of them are."""

import pytest
from click.testing import CliRunner

from rollcall.cli.main import main


@pytest.mark.parametrize(
    ("typed", "hint"),
    [
        ("statsu", "did you mean status?"),
        ("sevices", "did you mean services?"),
        ("frobnicate", "rollcall --help lists them"),
        ("x", "rollcall --help lists them"),
    ],
)
def test_only_a_near_name_is_suggested(typed: str, hint: str) -> None:
    result = CliRunner().invoke(main, [typed])
    assert result.exit_code == 2
    assert f"no command '{typed}'; {hint}\n" in result.output
