"""Talk to this host's Consul agent: keys, blocking queries, and a session."""

import base64
import os
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

import requests

from rollcall.contract.timeouts import stretched

REQUEST_TIMEOUT_SECONDS = stretched(10.0)
# How long a blocking query waits for a change; Consul adds up to a sixteenth.
WAIT_SECONDS = 60
# Consul ends a session that nobody renews after one to two TTLs.
SESSION_TTL_SECONDS = 15


class ConsulError(Exception):
    """The agent does not respond, or refuses; the text gives the reason."""


class LockLostError(ConsulError):
    """Another program may hold the lock by now: nothing more is written."""


class Consul:
    """The agent; each thread needs one of its own."""

    def __init__(self, address: str, token: str) -> None:
        """Prepare; sends nothing yet."""
        self._url = f"http://{address}/v1"
        self._session = requests.Session()
        # The agent is on loopback: no proxy of the environment applies.
        self._session.trust_env = False
        self._session.headers["X-Consul-Token"] = token

    def get(self, key: str) -> bytes | None:
        """Return a key's value from the leader; None without one."""
        return self.below(key, recurse=False)[1].get(key)

    def below(self, prefix: str, index: int = 0, *, recurse: bool = True) -> tuple[int, dict[str, bytes]]:
        """Return the keys with a prefix and the index of their state; with an index, wait for a change of it."""
        query = {"recurse": "true"} if recurse else {}
        query |= {"index": str(index), "wait": f"{WAIT_SECONDS}s"} if index else {"consistent": ""}
        response = self._send("GET", f"/kv/{quote(prefix)}", query, seconds=WAIT_SECONDS * 1.1 if index else 0)
        entries = response.json() if response.status_code == requests.codes.ok else []
        found = {entry["Key"]: base64.b64decode(entry["Value"] or "") for entry in entries}
        # An index that falls starts anew (Consul's documentation, "Blocking Queries").
        following = int(response.headers.get("X-Consul-Index", "0"))
        return (following if following >= index else 0), found

    def keys(self, prefix: str) -> tuple[str, ...]:
        """Return the keys with a prefix, without their values."""
        response = self._send("GET", f"/kv/{quote(prefix)}", {"keys": "true", "consistent": ""})
        return tuple(response.json()) if response.status_code == requests.codes.ok else ()

    def put(self, key: str, value: bytes, **query: str) -> bool:
        """Write a key; return whether Consul did, with acquire= in the query."""
        # With a session that ended Consul fails, and does not write.
        response = self._send("PUT", f"/kv/{quote(key)}", query, value, expected=requests.codes.server_error)
        if response.ok:
            return response.text.strip() == "true"
        if "acquire" in query and "invalid session" in response.text:
            return False
        raise ConsulError(_refusal(response))

    def delete(self, key: str, *, recurse: bool = False) -> None:
        """Remove a key, or all with this prefix."""
        self._send("DELETE", f"/kv/{quote(key)}", {"recurse": "true"} if recurse else {})

    def create_session(self, name: str, node: str, *, keeps: bool) -> str:
        """Create a session that ends with this program; its keys stay without it only if it `keeps` them."""
        body = {
            "Name": name,
            "Node": node,
            "TTL": f"{SESSION_TTL_SECONDS}s",
            "LockDelay": "1s",
            "Behavior": "release" if keeps else "delete",
        }
        return str(self._send("PUT", "/session/create", {}, json=body).json()["ID"])

    def renew_session(self, session: str) -> bool:
        """Renew a session; return whether it still exists."""
        return bool(self._send("PUT", f"/session/renew/{session}", {}).status_code == requests.codes.ok)

    def destroy_session(self, session: str) -> None:
        """End a session and free its keys."""
        self._send("PUT", f"/session/destroy/{session}", {})

    def _send(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        body: bytes | None = None,
        *,
        seconds: float = 0,
        json: Any = None,
        expected: int = requests.codes.ok,
    ) -> requests.Response:
        try:
            timeout = REQUEST_TIMEOUT_SECONDS + seconds
            response = self._session.request(
                method, self._url + path, params=query, data=body, json=json, timeout=timeout
            )
        except requests.RequestException as error:
            raise ConsulError(f"the Consul agent does not respond: {type(error).__name__}") from error
        if response.status_code not in (requests.codes.ok, requests.codes.not_found, expected):
            raise ConsulError(_refusal(response))
        return response


def _refusal(response: requests.Response) -> str:
    return f"the Consul agent responds {response.status_code}: {response.text.strip()[:200]}"


def pause_after_error() -> None:
    """Wait before the next request to an agent that failed, a little longer or shorter for each program."""
    time.sleep(1 + os.urandom(1)[0] / 256)
