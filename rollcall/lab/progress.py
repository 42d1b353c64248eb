"""Lines about work that goes on side by side, where one spinner cannot tell two stories."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

from rollcall.console import out


@contextmanager
def part(text: str) -> Iterator[None]:
    """Print a line when a part begins and one with its seconds when it has succeeded; safe in any thread."""
    started = time.monotonic()
    out.print(f"  … {text}")
    yield
    out.print(f"[green]✓[/] {text} [dim]({time.monotonic() - started:.1f} s)[/]")
