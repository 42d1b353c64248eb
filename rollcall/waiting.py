"""Wait for a condition until a deadline."""

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.1


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Poll until the condition holds; return False if it does not hold within `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
