"""Waiting for a condition with a deadline, and watching one."""

import time
from collections.abc import Callable
from typing import Any


def until(condition: Callable[[], Any], what: str, seconds: float = 10) -> Any:
    """Wait for a condition and give its value; say what was missing, and what was there instead."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what} (last: {value!r})"
        time.sleep(0.01)
    return value


def always(condition: Callable[[], Any], what: str, seconds: float) -> None:
    """Watch a condition for a while: what must not happen can only be waited for."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert condition(), f"not all the time: {what}"
        time.sleep(0.02)
