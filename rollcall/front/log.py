"""The front's log: a line on standard error for each thing that a person at the host may want to know."""

import sys


def say(text: str) -> None:
    """Write one line; a text of several becomes one, and what would be a code for a terminal is none."""
    line = " | ".join(text.splitlines())
    shown = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in line)
    sys.stderr.write(f"front: {shown}\n")
    sys.stderr.flush()
