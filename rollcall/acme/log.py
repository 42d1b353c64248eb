"""The program's log: one line for each event."""

import sys

_LONGEST = 300


def write_line(text: str) -> None:
    """Write a line at once."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()


def shortened(text: str) -> str:
    """Return a text in one line, and its beginning if it is long."""
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
