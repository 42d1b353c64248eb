"""One factor for every deadline: what is plenty on a usual machine is short on an emulated or a very busy one.

In a container it comes from the environment. The command line takes it from the fleet's settings.
"""

import os
from collections.abc import Iterable
from typing import TypeVar

VARIABLE = "ROLLCALL_TIMEOUT_FACTOR"
LARGEST = 20

_factor = int(os.environ.get(VARIABLE) or 1)
Number = TypeVar("Number", int, float)


def use(factors: Iterable[int]) -> None:
    """Stretch every deadline of this process by the largest of these factors."""
    global _factor  # noqa: PLW0603 — a process has one, and every deadline follows it
    _factor = max(factors, default=1)


def stretched(seconds: Number) -> Number:
    """Return a deadline as long as the factor says."""
    return seconds * _factor


def environment(factor: int) -> tuple[tuple[str, str], ...]:
    """Return what a container's environment needs; nothing for the usual factor."""
    return () if factor == 1 else ((VARIABLE, str(factor)),)
