"""The program's log: one line for each event."""

import sys


def write_line(text: str) -> None:
    """Write a line at once."""
    sys.stderr.write(f"{text}\n")
    sys.stderr.flush()
