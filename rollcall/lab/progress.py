"""Print the progress of parallel work, which one spinner cannot show."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rollcall.console import out


@contextmanager
def part(text: str) -> Iterator[None]:
    """Print a line when a part starts and one with its duration when it succeeds; safe in any thread."""
    started = time.monotonic()
    out.print(f"  … {text}")
    yield
    out.print(f"[green]✓[/] {text} [dim]({time.monotonic() - started:.1f} s)[/]")
