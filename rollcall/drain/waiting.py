"""Waiting until nobody is connected any more to what was taken out of service."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.contract import front_lists
from rollcall.drain import connections, instances
from rollcall.drain.instances import Container, Instance
from rollcall.drain.remaining import Remaining, words
from rollcall.drain.target import Target
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell

PAUSE = 0.5  # seconds between two looks
# A connection may end between two requests of one visitor: only what stays away is gone.
LOOKS = 2

Found = TypeVar("Found")


class Look:
    """What is asked again and again: the fronts for their lists, the host for its connections."""

    def __init__(
        self, chosen: Inventory, fleet: Fleet, target: Target, drained: Sequence[Instance], running: Sequence[Container]
    ) -> None:
        """Nothing is asked yet."""
        self._host = next(host for host in chosen.hosts if host.name == target.member.name)
        self._fronts = [host for host in chosen.hosts if fleet.member(host.name).is_front]
        self._node = target.member.node
        self._identities = [one.identity for one in drained]
        self._ports = instances.ports(drained, running)
        self._names = {member.address: member.name for member in fleet.members}

    def __call__(self) -> Remaining:
        """Say what is left now."""
        with ThreadPoolExecutor(max_workers=len(self._fronts) + 1) as pool:
            sending = pool.map(lambda host: _understood(host, lambda: self._sends(host)), self._fronts)
            connected = _understood(self._host, self._connected)
            fronts = list(zip(self._fronts, sending, strict=True))
        unknown = [one for one in (connected, *(answer for _, answer in fronts)) if isinstance(one, str)]
        return Remaining(
            fronts=tuple(host.name for host, sends in fronts if sends is True),
            connections=() if isinstance(connected, str) else connected,
            unknown=tuple(unknown),
        )

    def words(self, left: Remaining) -> str:
        """Say it in a sentence."""
        return words(left, self._ports, self._names)

    def _sends(self, front: Host) -> bool:
        return bool(front_lists.listed(Shell(front).read(front_lists.STATUS), self._node, self._identities))

    def _connected(self) -> tuple[connections.Connection, ...]:
        if not self._ports:
            return ()
        command = connections.command(port.network for port in self._ports)
        return connections.parse(Shell(self._host).read(command), self._ports)


def _understood(host: Host, ask: Callable[[], Found]) -> Found | str:
    """Ask a host; where it gives no answer, say so in words."""
    try:
        return ask()
    except (RollcallError, ValueError) as error:
        return f"{host.name} cannot be asked: {error}"


def wait(look: Callable[[], Remaining], seconds: float) -> Remaining:
    """Look until nothing is left LOOKS times in a row, or the time is over; give what is left then."""
    end = time.monotonic() + seconds
    nothing = 0
    while True:
        left = look()
        nothing = 0 if left else nothing + 1
        if nothing == LOOKS or (left and time.monotonic() >= end):
            return left
        time.sleep(PAUSE)
