"""Notice whether the authority responds at all, so that one name's bad luck delays no other."""

# Between two looks at the authority's directory while it does not respond.
FIRST_SECONDS = 1.0
LONGEST_SECONDS = 15.0


class Outage:
    """What the workers and the looks at the directory have found; times are those of a monotonic clock.

    A name whose order got no response waits longer each time. Once an outage ends, it need not: then whoever failed
    during it is tried at once.
    """

    def __init__(self) -> None:
        """Assume an outage: whoever had the lock before may have seen one."""
        self._is_down = self._is_suspected = True
        self._ended = self._next = float("-inf")
        self._wait = FIRST_SECONDS

    def suspect(self, began: float) -> None:
        """Note an order without a response; it began at this time."""
        # One that began during an outage says nothing about what comes after it.
        self._is_down = self._is_down or began <= self._ended
        self._is_suspected = True

    def works(self) -> None:
        """Note an order that succeeded."""
        self._wait = FIRST_SECONDS

    def take_turn(self, now: float) -> bool:
        """Return whether to look at the directory now; if so, the caller does, and notes what it finds."""
        if not (self._is_down or self._is_suspected) or now < self._next:
            return False
        self._is_suspected = False
        return True

    def note(self, *, responds: bool, now: float) -> bool:
        """Note a look; return whether it ends an outage."""
        is_over = responds and self._is_down
        self._is_down = not responds
        self._next = now + self._wait
        # Not reset by a look alone: a directory may respond where orders do not.
        self._wait = min(2 * self._wait, LONGEST_SECONDS)
        if is_over:
            self._ended = now
        return is_over
