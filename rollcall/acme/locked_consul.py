"""Write to Consul only while this program holds the lock.

A program that was frozen, or without a network, for longer than its session lasts does not know that another one orders
by now. Consul checks the session together with each write, so what it still does comes to nothing. Transactions could
do the same, but agents block them: by one, any token that may register services writes those of other hosts.
"""

from dataclasses import dataclass
from urllib.parse import quote

import requests
from typing_extensions import override

from rollcall.acme.consul import Consul, LockLostError
from rollcall.contract import acme_keys

_LOST = "another front orders by now"


@dataclass
class Lock:
    """The lock of the program that orders: the node that wants it, and the session that holds it."""

    node: str
    session: str = ""


class LockedConsul(Consul):
    """The agent, for what only the holder of the lock does."""

    def __init__(self, address: str, token: str, lock: Lock) -> None:
        """Prepare; sends nothing yet."""
        super().__init__(address, token)
        self._lock = lock

    def holds_lock(self) -> bool:
        """Whether this program holds the lock. Raises ConsulError without an agent."""
        session = self._lock.session
        return bool(session) and super().put(acme_keys.LOCK, self._lock.node.encode(), acquire=session)

    def check_lock(self) -> None:
        """Raise LockLostError without the lock, ConsulError without an agent."""
        if not self.holds_lock():
            raise LockLostError(_LOST)

    @override
    def put(self, key: str, value: bytes, **query: str) -> bool:
        assert not query  # noqa: S101 — the holder needs nothing else
        session = self._lock.session
        # Whoever holds the lock locks each key that it writes, since Consul then checks the session in the same step.
        if not (session and super().put(key, value, acquire=session)):
            raise LockLostError(_LOST)
        return True

    @override
    def delete(self, key: str, *, recurse: bool = False) -> None:
        query = {"recurse": "true"} if recurse else {}
        response = self._send("GET", f"/kv/{quote(key)}", {**query, "consistent": ""})
        found = response.json() if response.status_code == requests.codes.ok else []
        self.check_lock()
        for entry in found:
            # What was there while this program held the lock, and nothing that another one has written since.
            self._send("DELETE", f"/kv/{quote(entry['Key'])}", {"cas": str(entry["ModifyIndex"])})
