"""Wait for a condition until a deadline."""

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.1


def until(condition: Callable[[], bool], seconds: float, pause_seconds: float = _PAUSE_SECONDS) -> bool:
    """Poll until the condition holds, with a pause between; return False if it does not hold within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(pause_seconds)
    return True
