"""Write to Consul only while this program holds the lock.

A program that was frozen, or without a network, for longer than its session lasts does not know that another one orders
by now. Consul checks the lock together with each write, so what it still does comes to nothing.
"""

import base64
from dataclasses import dataclass
from typing import Any

import requests
from typing_extensions import override

from rollcall.acme.consul import Consul, ConsulError, LockLostError
from rollcall.contract import acme_keys


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
            raise LockLostError("another front orders by now")

    @override
    def put(self, key: str, value: bytes, **query: str) -> bool:
        encoded = base64.b64encode(value).decode()
        if query == {"cas": "0"}:
            return self._change({"Verb": "cas", "Key": key, "Value": encoded, "Index": 0})
        assert not query  # noqa: S101 — the holder needs nothing else
        return self._change({"Verb": "set", "Key": key, "Value": encoded})

    @override
    def delete(self, key: str, *, recurse: bool = False) -> None:
        self._change({"Verb": "delete-tree" if recurse else "delete", "Key": key})

    def _change(self, operation: dict[str, Any]) -> bool:
        """Change one key; return whether Consul did."""
        check = {"Verb": "check-session", "Key": acme_keys.LOCK, "Session": self._lock.session}
        body = [{"KV": check}, {"KV": operation}]
        response = self._send("PUT", "/txn", {}, json=body, expected=requests.codes.conflict)
        if response.status_code == requests.codes.ok:
            return True
        errors = response.json().get("Errors") or []
        if any(error["OpIndex"] == 0 for error in errors):
            raise LockLostError("another front orders by now")
        if operation["Verb"] == "cas":
            return False
        raise ConsulError(f"the Consul agent refuses a change: {errors[0]['What'] if errors else response.text[:200]}")
