"""What every benchmark says of the machine it ran on, and how it ends when something is wrong."""

import os
import sys
from collections.abc import Callable

from rollcall.console import fail, out
from rollcall.errors import RollcallError


def print_load() -> None:
    """Say how busy the machine was: figures taken beside other work are worth less."""
    out.print(
        f"[dim]Load average of this machine afterwards: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors[/]"
    )


def run(main: Callable[[], object]) -> None:
    """Run a benchmark; what the user can mend is one sentence and exit code 1."""
    try:
        main()
    except RollcallError as problem:
        fail(str(problem))
        sys.exit(1)
