"""The front's log: a line on standard error for each thing that a person at the host may want to know."""

import sys


def say(text: str) -> None:
    """Write one line; a text of several becomes one."""
    sys.stderr.write(f"front: {' | '.join(text.splitlines())}\n")
    sys.stderr.flush()
