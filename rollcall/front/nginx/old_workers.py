"""Count and limit the workers of earlier generations, which only finish their connections."""

import signal

from rollcall.front.nginx import workers


class OldWorkers:
    """Workers that are shutting down, by the generation that replaced them."""

    def __init__(self) -> None:
        """Start without any."""
        self._by_successor: dict[int, set[int]] = {}

    @property
    def generations(self) -> int:
        """Return how many earlier generations still have a worker."""
        return len(self._by_successor)

    def update(self, generation: int) -> None:
        """Forget exited workers, and count those that began to shut down under this generation."""
        ending = workers.ending()
        known = {pid for pids in self._by_successor.values() for pid in pids}
        new = set(ending - known)
        if new:
            self._by_successor.setdefault(generation, set()).update(new)
        still = {number: pids & ending for number, pids in self._by_successor.items()}
        self._by_successor = {number: pids for number, pids in still.items() if pids}

    def stop_beyond(self, most: int) -> int:
        """Stop the oldest workers, with their connections, so that at most `most` generations stay.

        Returns:
            The number of stopped generations.
        """
        oldest = sorted(self._by_successor)[: max(0, self.generations - most)]
        for number in oldest:
            workers.send_signal(self._by_successor.pop(number), signal.SIGTERM)
        return len(oldest)
