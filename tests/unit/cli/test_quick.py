"""The command line answers at once: what is slow to import is imported by the command that needs it, when it runs."""

import subprocess
import sys

import pytest

from rollcall.cli.main import COMMANDS, main

SLOW = ("pydantic", "pyinfra", "cryptography.x509", "pytest", "requests", "jinja2", "consul", "gevent")
PROBE = f"""
import sys
from rollcall.cli.main import main
main(sys.argv[1:], standalone_mode=False) if sys.argv[1:] == ["--help"] else main.get_command(None, sys.argv[1])
print("imported:", *(name for name in {SLOW!r} if name in sys.modules), file=sys.stderr)
"""


@pytest.mark.parametrize("name", ["--help", *COMMANDS])
def test_nothing_slow_is_imported_before_a_command_runs(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", PROBE, name], capture_output=True, text=True, check=True)
    assert done.stderr == "imported:\n"


def test_every_command_of_the_list_exists_and_has_help() -> None:
    for name in COMMANDS:
        command = main.get_command(None, name)  # type: ignore[arg-type]
        assert command is not None
        assert command.name == name
        assert command.help


def test_the_list_fits_eighty_columns() -> None:
    assert [name for name, (_, summary) in COMMANDS.items() if len(summary) > 80 - 2 - 13] == []
