"""How long to wait before the next attempt."""

import random


class Backoff:
    """Delays that double from `first` to `cap` seconds, each shortened at random by up to half.

    The jitter keeps the registrators of a whole fleet from knocking at the same moment.
    """

    def __init__(self, first: float, cap: float) -> None:
        """Start with the shortest delay."""
        self._first = first
        self._cap = cap
        self._next = first

    def delay(self) -> float:
        """The next delay in seconds."""
        delay = min(self._next, self._cap)
        self._next = min(self._next * 2, self._cap)
        return delay * random.uniform(0.5, 1.0)  # noqa: S311 - jitter is no secret

    def reset(self) -> None:
        """The attempt succeeded: begin with the shortest delay again."""
        self._next = self._first
