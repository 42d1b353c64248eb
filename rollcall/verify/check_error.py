"""The failure of a check, and the wait until a check passes."""

import time
from collections.abc import Callable, Sequence

from rollcall.contract.timeouts import stretched

# Between two requests over the network: too short for a person to notice.
_PAUSE_SECONDS = 0.1


class CheckError(Exception):
    """A failed check: what was expected, what was found and where, and the next command."""

    def __init__(self, expected: str, found: str | Sequence[str], command: str) -> None:
        """Take the expectation, one or more findings, and the next command."""
        self.expected = expected
        self.found = [found] if isinstance(found, str) else list(found)
        self.command = command
        super().__init__(f"expected {expected}; found {'; '.join(self.found)}")


def wait_until_none(problems: Callable[[], Sequence[str]], seconds: float) -> list[str]:
    """Call `problems` until it returns none; return those left after `seconds`, stretched."""
    deadline = time.monotonic() + stretched(seconds)
    while left := list(problems()):
        if time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE_SECONDS)
    return []
