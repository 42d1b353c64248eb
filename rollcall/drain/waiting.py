"""Wait until nothing is connected any more to what was taken out of service."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rollcall.config.fleet import Fleet, Member
from rollcall.contract import front_lists
from rollcall.drain import connections, instances
from rollcall.drain.instances import Container, Instance
from rollcall.drain.remaining import Remaining, words
from rollcall.errors import RollcallError

POLL_SECONDS = 0.5
# A client may reconnect between two requests: require several checks in a row without connections.
CLEAR_CHECKS = 2

Found = TypeVar("Found")
# Runs a command on the host of that inventory name, and returns its output.
Read = Callable[[str, str], str]


class DrainCheck:
    """A repeatable check: it reads the fronts' lists and the host's connections."""

    def __init__(
        self, fleet: Fleet, member: Member, drained: Sequence[Instance], running: Sequence[Container], read: Read
    ) -> None:
        """Take the host and its drained instances, and what runs a command on a host; read nothing yet."""
        self._host = member.name
        self._fronts = [front.name for front in fleet.fronts]
        self._node = member.node
        self._read = read
        self._identities = [instance.identity for instance in drained]
        self._ports = instances.ports(drained, running)
        self._names = {member.address: member.name for member in fleet.members}

    def __call__(self) -> Remaining:
        """Return what remains now."""
        with ThreadPoolExecutor(max_workers=len(self._fronts) + 1) as pool:
            sending = pool.map(lambda front: _result_or_error(front, lambda: self._sends(front)), self._fronts)
            connected = _result_or_error(self._host, self._connected)
            fronts = list(zip(self._fronts, sending, strict=True))
        unknown = [result for result in (connected, *(sends for _, sends in fronts)) if isinstance(result, str)]
        return Remaining(
            fronts=tuple(front for front, sends in fronts if sends is True),
            connections=() if isinstance(connected, str) else connected,
            unknown=tuple(unknown),
        )

    def words(self, left: Remaining) -> str:
        """Describe it in a sentence."""
        return words(left, self._ports, self._names)

    def _sends(self, front: str) -> bool:
        return bool(front_lists.listed(self._read(front, front_lists.STATUS), self._node, self._identities))

    def _connected(self) -> tuple[connections.Connection, ...]:
        if not self._ports:
            return ()
        command = connections.command(port.network for port in self._ports)
        return connections.parse(self._read(self._host, command), self._ports)


def _result_or_error(host: str, read: Callable[[], Found]) -> Found | str:
    """Read from a host; on failure return the error as a sentence."""
    try:
        return read()
    except (RollcallError, ValueError) as error:
        return f"{host} cannot be read: {error}"


def wait(check: Callable[[], Remaining], seconds: float) -> Remaining:
    """Check until nothing remains CLEAR_CHECKS times in a row, or the time is over; return what remains then."""
    end = time.monotonic() + seconds
    clear = 0
    while True:
        left = check()
        clear = 0 if left else clear + 1
        if clear == CLEAR_CHECKS or (left and time.monotonic() >= end):
            return left
        time.sleep(POLL_SECONDS)
