"""README's table of commands."""

import re
from pathlib import Path

from rollcall.cli.main import COMMANDS
from rollcall.config.project import CHECKOUT

ROW = re.compile(r"\| `rollcall ([a-z\\|]+)")


def test_the_table_has_every_command_once() -> None:
    rows = [line for line in Path(CHECKOUT / "README.md").read_text().splitlines() if line.startswith("| `rollcall ")]
    listed = [name for row in rows for name in (ROW.match(row) or [""] * 2)[1].split("\\|")]
    assert sorted(listed) == sorted(COMMANDS)
