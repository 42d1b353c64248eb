"""Start the work on certificates, while this program holds the lock: at any time one of all fronts does."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from queue import SimpleQueue

from rollcall.acme import schedule
from rollcall.acme.consul import Consul, LockLostError
from rollcall.acme.log import write_line
from rollcall.acme.mirror import FORGOTTEN, Mirror
from rollcall.acme.sealed import SealedError, Sealer
from rollcall.acme.worker import Pause, Worker
from rollcall.contract import acme_keys


class Orderer:
    """What the holder of the lock does: it gives each name that is due to one of its workers."""

    def __init__(
        self,
        consul: Consul,
        mirror: Mirror,
        sealer: Sealer,
        *,
        pause: Pause,
        directory: str,
        workers: Sequence[Worker],
        responds: Callable[[], bool],
    ) -> None:
        """Prepare; sends nothing yet. `responds` looks whether the authority does."""
        self._consul = consul
        self._mirror = mirror
        self._sealer = sealer
        self._pause = pause
        self._directory = directory
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        self._responds = responds
        # Names that failed get no more workers than these, so that they delay no other name.
        self._for_failed = max(1, len(workers) * 3 // 4)
        self._count = len(workers)
        self._pool = ThreadPoolExecutor(len(workers) + 1)
        self._running: dict[str, Future[None]] = {}
        self._look: Future[bool] | None = None
        self._hurried: frozenset[str] = frozenset()

    def begin(self) -> None:
        """End what an earlier holder of the lock left open, and forget names that nobody has routed for long.

        Raises:
            ConsulError: the agent does not respond, or another program has the lock.
        """
        self._reseal()
        old, wanted = datetime.now(UTC) - FORGOTTEN, self._wanted()
        for name, issued in dict(self._mirror.certificates).items():
            if issued.end < old and name not in wanted:
                self._consul.delete(acme_keys.CERTIFICATES + name)
                self._consul.delete(acme_keys.STATES + name)

    def work(self) -> None:
        """Start to work on names that are due and not in work; raise what ended work on one.

        Raises:
            ConsulError: the agent does not respond, or another program has the lock.
        """
        for name, running in list(self._running.items()):
            if running.done():
                del self._running[name]
                running.result()
        self._look_for_an_end()
        for name in self._turns(self.due(datetime.now(UTC))):
            self._running[name] = self._pool.submit(self._work, name, hurry=name in self._hurried)
            self._hurried -= {name}

    def _turns(self, due: Sequence[str]) -> list[str]:
        """Return which names start now: those that never failed first, and then those that failed least."""
        waiting = [name for name in due if name not in self._running]
        sound = [name for name in waiting if not self._failures(name)]
        failed = sorted(set(waiting) - set(sound), key=lambda name: (self._failures(name), name))
        free = self._count - len(self._running)
        left = self._for_failed - sum(self._failures(name) > 0 for name in self._running)
        sound = sound[:free]
        return sound + failed[: max(0, min(left, free - len(sound)))]

    def _failures(self, name: str) -> int:
        return self._mirror.states.get(name, schedule.State()).failures

    def _look_for_an_end(self) -> None:
        """While the authority does not respond, look at its directory; once it does, hurry those that failed."""
        unreachable = frozenset(name for name, state in self._mirror.states.items() if state.unreachable)
        if self._look and self._look.done():
            responds, self._look = self._look.result(), None
            if self._pause.outage.note(responds=responds, now=time.monotonic()):
                self._hurried = unreachable
        if not self._look and unreachable and self._pause.outage.take_turn(time.monotonic()):
            self._look = self._pool.submit(self._responds)

    def end(self) -> None:
        """Wait for the names in work, and start no other."""
        self._pool.shutdown(cancel_futures=True)

    def _work(self, name: str, *, hurry: bool) -> None:
        worker = self._idle.get()
        try:
            worker.work(name, hurry=hurry)
        except LockLostError as error:
            write_line(f"{name}: {error}")
        finally:
            self._idle.put(worker)

    def due(self, now: datetime) -> list[str]:
        """Return the names to work on now, by the copies of what Consul has.

        Raises:
            ConsulError: the agent does not respond.
        """
        self._restore()
        renewals = {key.removeprefix(acme_keys.RENEWALS) for key in self._consul.keys(acme_keys.RENEWALS)}
        hurried = renewals | self._hurried
        return [name for name in self._wanted() if name in hurried or self._is_due(name, now)]

    def _is_due(self, name: str, now: datetime) -> bool:
        issued, state = self._mirror.certificates.get(name), self._mirror.states.get(name, schedule.State())
        return not self._pause.holds(now) and schedule.is_due(name, issued, state, self._directory, now)

    def _wanted(self) -> tuple[str, ...]:
        """Return the names that the running fronts want."""
        names: set[str] = set()
        for value in self._consul.below(acme_keys.WANTED)[1].values():
            names.update(map(str, json.loads(value)))
        return tuple(sorted(names))

    def _reseal(self) -> None:
        """Encrypt with the fleet's newest key what an older one encrypted, and then say so."""
        for prefix in (acme_keys.CERTIFICATES, acme_keys.ACCOUNTS):
            for key, value in self._consul.below(prefix)[1].items():
                try:
                    if not self._sealer.is_newest(key, value):
                        self._consul.put(key, self._sealer.seal(key, self._sealer.open(key, value)))
                except SealedError as error:
                    write_line(str(error))
        self._consul.put(acme_keys.SEALED_BY, self._sealer.fingerprint.encode())

    def _restore(self) -> None:
        """Write back certificates that Consul lost."""
        found = {key.removeprefix(acme_keys.CERTIFICATES) for key in self._consul.keys(acme_keys.CERTIFICATES)}
        for name in set(self._mirror.sealed) - found:
            self._consul.put(acme_keys.CERTIFICATES + name, self._mirror.sealed[name])
            write_line(f"{name}: Consul had lost its certificate; written back")


def session_value(names: Iterable[str]) -> bytes:
    """Return the value of a front's wanted names."""
    return json.dumps(sorted(names)).encode()
