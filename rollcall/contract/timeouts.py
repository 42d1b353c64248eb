"""Multiply every deadline by one factor: an emulated or very busy machine needs longer than a usual one.

In a container the factor comes from the environment, on the command line from the fleet's settings.
"""

import os
from collections.abc import Iterable
from typing import TypeVar

VARIABLE = "ROLLCALL_TIMEOUT_FACTOR"
LARGEST = 20

_factor = int(os.environ.get(VARIABLE) or 1)
Number = TypeVar("Number", int, float)


def use(factors: Iterable[int]) -> None:
    """Multiply every deadline of this process by the largest of these factors."""
    global _factor  # noqa: PLW0603 — one per process, for every deadline
    _factor = max(factors, default=1)


def stretched(seconds: Number) -> Number:
    """Return a deadline multiplied by the factor."""
    return seconds * _factor


def environment(factor: int) -> tuple[tuple[str, str], ...]:
    """Return the variables for a container's environment; none for the usual factor."""
    return () if factor == 1 else ((VARIABLE, str(factor)),)
