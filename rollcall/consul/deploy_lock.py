"""Build and read the requests of a fleet's lock: a key in Consul that one deploy's session holds. No I/O."""

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from rollcall.consul.agent_client import Request
from rollcall.registrator.services.identity import path_segment

KEY = "rollcall/deploy/lock"
PATH = f"/v1/kv/{KEY}"
TTL_SECONDS = 15
RENEWAL_SECONDS = TTL_SECONDS / 3
# Consul ends a session that nobody renews after one to two TTLs (SessionTTLMultiplier).
FREE_AFTER_SECONDS = 2 * TTL_SECONDS


@dataclass(frozen=True)
class Holder:
    """Who deploys: a user, the command without its secrets, and since when (UTC); by which process of which machine."""

    who: str
    command: str
    since: str
    machine: str = ""
    process: int = 0

    @property
    def sentence(self) -> str:
        """The refusal of a second deploy."""
        return (
            f"{self.who} has been deploying this fleet since {self.since} UTC ({self.command}); wait until that is "
            f"done; a killed deploy's lock ends within {FREE_AFTER_SECONDS} s"
        )


@dataclass(frozen=True)
class Lock:
    """The lock as it was read: who holds it by which session, if anybody, and how often it was taken so far."""

    holder: Holder | None = None
    times: int = 0
    session: str = ""


def read(body: str) -> Lock | None:
    """Read the key from Consul's response; None for a response that does not show it.

    Args:
        body: the body of the response to PATH; empty where there is no such key.
    """
    if not body.strip():
        return Lock()
    try:
        [entry] = json.loads(body)
        session = str(entry.get("Session") or "")
        return Lock(_holder(entry) if session else None, int(entry["LockIndex"]), session)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def _holder(entry: Mapping[str, Any]) -> Holder:
    try:
        value = json.loads(base64.b64decode(entry["Value"] or ""))
        made = Holder(str(value["who"]), str(value["command"]), str(value["since"]))
        return replace(made, machine=str(value.get("machine", "")), process=int(value.get("process", 0)))
    except (ValueError, TypeError, KeyError):
        return Holder("somebody", "unknown command", "an unknown time")


def create_session() -> Request:
    """Create the session of a deploy. No node's health ends it: the deploy may restart any agent."""
    body = {
        "Name": "rollcall deploy",
        "TTL": f"{TTL_SECONDS}s",
        # Consul's own minimum and default are for programs that keep writing after they lost a lock.
        "LockDelay": "1s",
        "Behavior": "release",
        "NodeChecks": [],
    }
    return Request("PUT", "/v1/session/create", json.dumps(body))


def acquire(session: str, holder: Holder) -> Request:
    """Take the lock; Consul's response is whether this session has it now."""
    return Request("PUT", f"{PATH}?acquire={path_segment(session)}", json.dumps(asdict(holder)))


def renew(session: str) -> Request:
    """Keep the session for another TTL; Consul responds with 404 once it has ended."""
    return Request("PUT", f"/v1/session/renew/{path_segment(session)}")


def release(session: str) -> Request:
    """End the session, and with it its hold of the lock."""
    return Request("PUT", f"/v1/session/destroy/{path_segment(session)}")
