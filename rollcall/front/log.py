"""The front's log: one line on standard error per event."""

import sys


def write_line(text: str) -> None:
    """Write one line; join several lines, and replace terminal control codes."""
    line = " | ".join(text.splitlines())
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    sys.stderr.write(f"front: {shown}\n")
    sys.stderr.flush()
