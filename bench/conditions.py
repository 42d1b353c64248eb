"""Print the conditions of a benchmark, and end it with one sentence on errors."""

import os
import sys
from collections.abc import Callable

from rollcall.console import fail, out
from rollcall.errors import RollcallError


def print_load() -> None:
    """Print how busy the machine was: other work makes the figures less reliable."""
    out.print(
        f"[dim]Load average of this machine afterwards: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors[/]"
    )


def run(main: Callable[[], object]) -> None:
    """Run a benchmark; an error that the user can fix is one sentence and exit code 1."""
    try:
        main()
    except RollcallError as problem:
        fail(str(problem))
        sys.exit(1)
