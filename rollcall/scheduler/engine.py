"""Look at a job's container, start it and stop it: all that the socket filter lets through to the engine."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from rollcall.contract import jobs
from rollcall.scheduler import http
from rollcall.scheduler.decision import Container

LOOK_TIMEOUT_SECONDS = 10.0
START_TIMEOUT_SECONDS = 20.0
_ALREADY = 304


class EngineError(Exception):
    """The engine does not respond."""


@dataclass(frozen=True)
class Engine:
    """The engine behind a socket; `name` is what a job's container is called."""

    socket: str
    name: Callable[[str], str] = jobs.container

    def look(self, job: str) -> Container | None:
        """Return a job's container; None if there is none. Raises EngineError: the engine does not respond."""
        response = self._send("GET", job, "json", LOOK_TIMEOUT_SECONDS)
        if response.status == http.NOT_FOUND:
            return None
        if response.status != http.OK:
            raise EngineError(_message(response))
        state = json.loads(response.body)["State"]
        return Container(
            runs=bool(state["Running"]),
            started=state["StartedAt"],
            ended=state["FinishedAt"],
            code=int(state["ExitCode"]),
            text="out of memory" if state.get("OOMKilled") else "",
        )

    def start(self, job: str) -> str:
        """Start a job's container; return why the engine refuses, or "". Raises EngineError: it does not respond."""
        response = self._send("POST", job, "start", START_TIMEOUT_SECONDS)
        # One that a deploy replaces right now comes back.
        fine = response.status in (_ALREADY, http.NOT_FOUND) or response.status // 100 == 2
        return "" if fine else _message(response)

    def stop(self, job: str, seconds: int) -> None:
        """Ask a job's program to end, and kill it after this many seconds. Raises EngineError: as `start`."""
        self._send("POST", job, f"stop?t={seconds}", LOOK_TIMEOUT_SECONDS + seconds)

    def _send(self, method: str, job: str, what: str, seconds: float) -> http.Response:
        try:
            return http.send(self.socket, method, f"/containers/{self.name(job)}/{what}", seconds=seconds)
        except http.NoResponseError as error:
            raise EngineError(f"the engine at {error}") from error


def _message(response: http.Response) -> str:
    try:
        return str(json.loads(response.body)["message"]).strip()
    except (ValueError, KeyError, TypeError):
        return f"the engine responds {response.status}"
