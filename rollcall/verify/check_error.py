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


def wait_until_none(
    problems: Callable[[], Sequence[str]],
    seconds: float,
    since: float | None = None,
    again: Callable[[], None] | None = None,
) -> list[str]:
    """Call `problems` until it returns none; return those left `seconds`, stretched, after `since`, by default now.

    Checks of a fleet that nobody disturbs all wait for the same change to settle, so they share the start of the run as
    `since`: their waits would add up. Whatever the time, what was found is looked at twice. `again` reads the hosts
    anew before each look but the first, for which the start of the run did.
    """
    deadline = (time.monotonic() if since is None else since) + stretched(seconds)
    looks = 0
    while left := list(problems()):
        looks += 1
        if looks > 1 and time.monotonic() > deadline:
            return left
        time.sleep(_PAUSE_SECONDS)
        if again:
            again()
    return []
