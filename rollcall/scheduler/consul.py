"""Read and write a job's keys through this host's Consul agent, and take its lock by a session."""

import base64
import json
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from rollcall.contract import jobs
from rollcall.contract.jobs import Request, State
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE
from rollcall.scheduler import http

# An agent responds within milliseconds; a run must not go unwatched for longer.
REQUEST_TIMEOUT_SECONDS = 5.0
_SESSION = "rollcall job "


class ConsulError(Exception):
    """The agent does not respond, or refuses; the text gives the reason."""


@dataclass(frozen=True)
class Keys:
    """A job's keys at one moment; `index` is Consul's of all of them, `version` that of the state."""

    index: int = 0
    holder: str = ""
    state: State | None = None
    version: int = 0
    request: Request | None = None


@dataclass(frozen=True)
class Consul:
    """The agent of a node."""

    address: str
    node: str
    token: str = field(repr=False)

    def keys(self, job: str, index: int, wait: float) -> Keys:
        """Return a job's keys as the leader has them; with an index, wait this long for a change of them."""
        query = f"?recurse&consistent&index={index}&wait={max(int(wait * 1000), 1)}ms"
        # Consul adds up to a sixteenth.
        seconds = REQUEST_TIMEOUT_SECONDS + wait * 1.1
        response = self._send("GET", f"/v1/kv/{jobs.folder(job)}{query}", seconds=seconds)
        if response.status == http.NOT_FOUND:
            return Keys(response.index)
        entries = {entry["Key"]: entry for entry in json.loads(response.body)}
        lock, state, request = (entries.get(key(job)) or {} for key in (jobs.lock, jobs.state, jobs.request))
        return Keys(
            index=response.index,
            holder=_value(lock) if lock.get("Session") else "",
            state=jobs.read(_value(state)),
            version=int(state.get("ModifyIndex", 0)),
            request=jobs.read_request(_value(request)),
        )

    def write(self, job: str, state: State, version: int) -> bool:
        """Write a state; return whether it was still the one of this version."""
        return self._done(f"/v1/kv/{jobs.state(job)}?cas={version}", state.text)

    def acquire(self, job: str) -> bool:
        """Take a job's lock; return whether it was free.

        The session ends with the node's health and not by itself: while this program restarts, its run keeps the lock.
        """
        session = next(iter(self._sessions(job)), "") or self._create(job)
        return self._done(f"/v1/kv/{jobs.lock(job)}?acquire={session}", self.node)

    def release(self, job: str) -> None:
        """Give a job's lock back."""
        for session in self._sessions(job):
            self._send("PUT", f"/v1/session/destroy/{session}")

    def break_lock(self, job: str) -> None:
        """Take a lock away from a host that does not run the job any more."""
        self._send("DELETE", f"/v1/kv/{jobs.lock(job)}")

    def release_others(self, kept: set[str]) -> None:
        """Give back the locks of jobs that this host does not have any more."""
        for session in self._all_sessions():
            name = str(session.get("Name", ""))
            if name.startswith(_SESSION) and name.removeprefix(_SESSION) not in kept:
                self._send("PUT", f"/v1/session/destroy/{session['ID']}")

    def is_drained(self) -> bool:
        """Whether somebody took this host out of service."""
        return NODE_MAINTENANCE in json.loads(self._send("GET", "/v1/agent/checks").body)

    def _create(self, job: str) -> str:
        body = {"Name": f"{_SESSION}{job}", "Node": self.node, "LockDelay": "0s", "Behavior": "release"}
        return str(json.loads(self._send("PUT", "/v1/session/create", json.dumps(body)).body)["ID"])

    def _sessions(self, job: str) -> list[str]:
        return [str(one["ID"]) for one in self._all_sessions() if one.get("Name") == f"{_SESSION}{job}"]

    def _all_sessions(self) -> list[dict[str, Any]]:
        return list(json.loads(self._send("GET", f"/v1/session/node/{quote(self.node)}?consistent").body) or ())

    def _done(self, path: str, body: str) -> bool:
        return self._send("PUT", path, body).body.strip() == "true"

    def _send(
        self, method: str, path: str, body: str | None = None, seconds: float = REQUEST_TIMEOUT_SECONDS
    ) -> http.Response:
        try:
            response = http.send(self.address, method, path, seconds=seconds, body=body, token=self.token)
        except http.NoResponseError as error:
            raise ConsulError(f"Consul's agent at {error}") from error
        if response.status not in (http.OK, http.NOT_FOUND):
            raise ConsulError(f"Consul's agent responds {response.status}: {response.body.strip()[:200]}")
        return response


def _value(entry: dict[str, Any]) -> str:
    return base64.b64decode(entry.get("Value") or "").decode(errors="replace")
