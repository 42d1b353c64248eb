"""Compute the delay before the next attempt."""

import random


class Backoff:
    """Delays that double from `first` to `cap` seconds, minus up to half at random.

    The jitter keeps a fleet's registrators from retrying at the same moment.
    """

    def __init__(self, first: float, cap: float) -> None:
        """Start with the shortest delay."""
        self._first = first
        self._cap = cap
        self._next = first

    def delay(self) -> float:
        """Return the next delay in seconds."""
        delay = min(self._next, self._cap)
        self._next = min(self._next * 2, self._cap)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def reset(self) -> None:
        """Start with the shortest delay again, after a success."""
        self._next = self._first
