"""The workers of earlier generations, which only end their connections: how many generations have any, and no more."""

import signal

from rollcall.front.nginx import workers


class OldWorkers:
    """Workers that end their connections, by the generation that took over from them."""

    def __init__(self) -> None:
        """Begin without any."""
        self._by_successor: dict[int, set[int]] = {}

    @property
    def generations(self) -> int:
        """How many earlier generations still have a worker."""
        return len(self._by_successor)

    def look(self, generation: int) -> None:
        """See who has ended, and count those who began to end under this generation."""
        ending = workers.ending()
        known = {pid for pids in self._by_successor.values() for pid in pids}
        new = set(ending - known)
        if new:
            self._by_successor.setdefault(generation, set()).update(new)
        still = {number: pids & ending for number, pids in self._by_successor.items()}
        self._by_successor = {number: pids for number, pids in still.items() if pids}

    def end_beyond(self, most: int) -> int:
        """End the oldest, with whatever connections they have, so that at most so many generations stay.

        Returns:
            How many generations were ended.
        """
        oldest = sorted(self._by_successor)[: max(0, self.generations - most)]
        for number in oldest:
            workers.tell(self._by_successor.pop(number), signal.SIGTERM)
        return len(oldest)
