"""Print progress and results to the user."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

# highlight=False: rich would otherwise colour every number; colour is for meaning only.
# emoji=False: rich reads ":ghost:" in app1:ghost:80 as an emoji. soft_wrap: sentences stay whole at 80 columns.
out = Console(highlight=False, emoji=False, soft_wrap=True)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=True)


def print_to_stderr() -> None:
    """Print everything to stderr from now on: with --json, standard output is one document."""
    out.stderr = True


@contextmanager
def step(text: str) -> Iterator[None]:
    """Show one step of a long job: a spinner on a terminal, then one line with the seconds it took."""
    started = time.monotonic()
    if out.is_terminal:
        with out.status(text):
            yield
    else:
        # A log file has no spinner: without this line a ten-minute step looks like a hang.
        out.print(f"  … {text}")
        yield
    out.print(f"[green]✓[/] {text} [dim]({time.monotonic() - started:.1f} s)[/]")


def fail(sentence: str) -> None:
    """Print an error sentence to stderr. The caller decides the exit code."""
    sys.stdout.flush()
    err.print("[red]rollcall:[/] ", end="")
    err.print(sentence, markup=False)  # a sentence may contain square brackets
