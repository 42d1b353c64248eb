"""Waiting for a condition, with a deadline."""

import time
from collections.abc import Callable

_PAUSE_SECONDS = 0.1


def until(condition: Callable[[], bool], seconds: float) -> bool:
    """Ask until the condition holds; False when it does not within that many seconds."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True
