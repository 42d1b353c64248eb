"""Hold the fleet's lock while faults happen, so that nobody deploys meanwhile, and no second chaos begins."""

import threading
from types import TracebackType
from typing import Self

from rollcall.consul import deploy_lock
from rollcall.consul.fleet_lock import FleetLock
from rollcall.errors import RollcallError


class HeldLock:
    """The lock, renewed in a thread while the block runs."""

    def __init__(self, lock: FleetLock) -> None:
        """Take the lock object; send no request yet."""
        self._lock = lock
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._keep, daemon=True)
        self.lost = ""

    def __enter__(self) -> Self:
        """Take the lock. Raises RollcallError: somebody else has it, or Consul gives none."""
        if why := self._lock.acquire(None):
            raise RollcallError(f"Consul gives no lock ({why}); expected a fleet that is well")
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Give it back."""
        self._end.set()
        self._thread.join()
        self._lock.release()

    def _keep(self) -> None:
        while not self._end.wait(deploy_lock.RENEWAL_SECONDS):
            if why := self._lock.renew():
                self.lost = f"lost the fleet's lock: {why}"
                return
