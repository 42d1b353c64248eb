"""Start the work on certificates, while this program holds the lock: at any time one of all fronts does."""

import json
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from queue import SimpleQueue

from rollcall.acme import schedule
from rollcall.acme.consul import Consul, LockLostError
from rollcall.acme.log import write_line
from rollcall.acme.mirror import Mirror
from rollcall.acme.sealed import SealedError, Sealer
from rollcall.acme.worker import Pause, Worker
from rollcall.contract import acme_keys

# After its certificate ended.
FORGOTTEN = timedelta(days=30)


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
    ) -> None:
        """Prepare; sends nothing yet."""
        self._consul = consul
        self._mirror = mirror
        self._sealer = sealer
        self._pause = pause
        self._directory = directory
        self._idle: SimpleQueue[Worker] = SimpleQueue()
        for worker in workers:
            self._idle.put(worker)
        self._pool = ThreadPoolExecutor(len(workers))
        self._running: dict[str, Future[None]] = {}

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
        """Start to work on each name that is due and not in work; raise what ended work on one.

        Raises:
            ConsulError: the agent does not respond, or another program has the lock.
        """
        for name, running in list(self._running.items()):
            if running.done():
                del self._running[name]
                running.result()
        for name in self.due(datetime.now(UTC)):
            if name not in self._running:
                self._running[name] = self._pool.submit(self._work, name)

    def end(self) -> None:
        """Wait for the names in work, and start no other."""
        self._pool.shutdown(cancel_futures=True)

    def _work(self, name: str) -> None:
        worker = self._idle.get()
        try:
            worker.work(name)
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
        return [name for name in self._wanted() if name in renewals or self._is_due(name, now)]

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
            if self._consul.put(acme_keys.CERTIFICATES + name, self._mirror.sealed[name], cas="0"):
                write_line(f"{name}: Consul had lost its certificate; written back")


def session_value(names: Iterable[str]) -> bytes:
    """Return the value of a front's wanted names."""
    return json.dumps(sorted(names)).encode()
