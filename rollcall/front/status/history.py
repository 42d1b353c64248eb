"""Remember each service's requests, errors and seconds of the last 15 minutes, in memory of a fixed size."""

from array import array
from collections.abc import Mapping
from dataclasses import dataclass

from rollcall.front.status.document import Counts

SLOT_SECONDS = 10
SLOTS = 90
# A slot of one service has three numbers of 4 bytes: 1,092 bytes a service, 1.1 MB for this many.
SERVICES = 1000


@dataclass(frozen=True)
class Series:
    """A service's complete slots, the oldest first: requests per second, errors, and the mean milliseconds of a try.

    A slot without a request has no mean.
    """

    rates: tuple[float, ...]
    errors: tuple[int, ...]
    milliseconds: tuple[float | None, ...]


class _Ring:
    """One service's slots. One more than is shown: the current one is incomplete."""

    SIZE = SLOTS + 1

    def __init__(self, slot: int) -> None:
        self.newest = slot
        self._requests = array("I", bytes(4 * self.SIZE))
        self._errors = array("I", bytes(4 * self.SIZE))
        self._seconds = array("f", bytes(4 * self.SIZE))

    def add(self, slot: int, counts: Counts) -> None:
        self._advance(slot)
        at = slot % self.SIZE
        self._requests[at] += counts.requests
        self._errors[at] += counts.errors
        self._seconds[at] += counts.seconds

    def _advance(self, slot: int) -> None:
        for passed in range(max(self.newest + 1, slot - self.SIZE + 1), slot + 1):
            at = passed % self.SIZE
            self._requests[at] = self._errors[at] = 0
            self._seconds[at] = 0.0
        self.newest = max(self.newest, slot)

    def series(self, slot: int) -> Series:
        """Return the slots before this one; changes nothing, since another thread may add."""
        known = range(self.newest - SLOTS, self.newest + 1)
        places = [past % self.SIZE if past in known else None for past in range(slot - SLOTS, slot)]
        return Series(
            tuple(0.0 if at is None else self._requests[at] / SLOT_SECONDS for at in places),
            tuple(0 if at is None else self._errors[at] for at in places),
            tuple(None if at is None else self._mean(at) for at in places),
        )

    def _mean(self, at: int) -> float | None:
        return round(self._seconds[at] / self._requests[at] * 1000, 1) if self._requests[at] else None


class History:
    """The services that had requests in the last 15 minutes. Moments are seconds of a clock that is never set back."""

    def __init__(self) -> None:
        """Start without any."""
        self._rings: dict[str, _Ring] = {}

    def add(self, counts: Mapping[str, Counts], now: float) -> None:
        """Add tries by service, made just now."""
        slot = int(now // SLOT_SECONDS)
        for service, more in counts.items():
            # Removing and inserting moves a service to the end: the first is the longest without a request.
            ring = self._rings.pop(service, None) or _Ring(slot)
            self._rings[service] = ring
            ring.add(slot, more)
        self._forget(slot)

    def _forget(self, slot: int) -> None:
        while len(self._rings) > SERVICES:
            del self._rings[next(iter(self._rings))]
        while self._rings and next(iter(self._rings.values())).newest < slot - SLOTS:
            del self._rings[next(iter(self._rings))]

    def series(self, now: float) -> dict[str, Series]:
        """Return each service's series; a service without a request in all the time has none."""
        slot = int(now // SLOT_SECONDS)
        return {service: ring.series(slot) for service, ring in list(self._rings.items())}
