"""What a check of a cluster found wrong, and waiting for it to become right."""

import time
from collections.abc import Callable, Sequence

from rollcall.contract.timeouts import stretched

# Between two questions to something that is asked over the network: far less than a person notices.
_PAUSE_SECONDS = 0.1


class CheckError(Exception):
    """A check that failed: what was expected, what was found and where, and the command to type next."""

    def __init__(self, expected: str, found: str | Sequence[str], command: str) -> None:
        """Take one or more lines of what was found."""
        self.expected = expected
        self.found = [found] if isinstance(found, str) else list(found)
        self.command = command
        super().__init__(f"expected {expected}; found {'; '.join(self.found)}")


def wait_until_none(problems: Callable[[], Sequence[str]], seconds: float) -> list[str]:
    """Ask again and again until there are no problems; return those that are left after `seconds`, stretched."""
    deadline = time.monotonic() + stretched(seconds)
    while left := list(problems()):
        if time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE_SECONDS)
    return []
