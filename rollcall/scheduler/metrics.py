"""The jobs' figures for Prometheus, on loopback as the registrator's are."""

import json
import threading
from collections.abc import Iterator, Sequence
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Protocol

from rollcall.contract import jobs
from rollcall.contract.jobs import State
from rollcall.scheduler.decision import Job

_FIGURES = {
    "rollcall_job_running": "Whether the job runs now, on any host.",
    "rollcall_job_last_success": "Whether the last run did its work: 1 or 0.",
    "rollcall_job_last_exit_code": "Exit status of the last run, where it has one.",
    "rollcall_job_last_end_timestamp_seconds": "When the last run ended.",
    "rollcall_job_last_duration_seconds": "How long the last run took.",
    "rollcall_job_last_success_timestamp_seconds": "When a run last did its work.",
}


class Watched(Protocol):
    """A job with its state."""

    job: Job

    @property
    def state(self) -> State | None:
        """The job's state as of the last look."""


def text(watched: Sequence[Watched]) -> str:
    """Return the figures in Prometheus' text format. Every host of a job's group has the same of it."""
    values = [(one.job.name, dict(_values(one.state))) for one in watched if one.state]
    lines = []
    for name, help_text in _FIGURES.items():
        lines += [f"# HELP {name} {help_text}", f"# TYPE {name} gauge"]
        lines += [f'{name}{{job="{job}"}} {found[name]:.15g}' for job, found in values if name in found]
    return "\n".join(lines) + "\n"


def document(watched: Sequence[Watched]) -> str:
    """Return the jobs' states as JSON, for `rollcall status`."""
    return json.dumps({one.job.name: json.loads(one.state.text) for one in watched if one.state}) + "\n"


def _values(state: State) -> Iterator[tuple[str, float]]:
    yield "rollcall_job_running", state.running is not None
    if last := state.last:
        yield "rollcall_job_last_success", last.ok
        if last.code is not None:
            yield "rollcall_job_last_exit_code", last.code
        yield "rollcall_job_last_end_timestamp_seconds", _seconds(last.ended)
        yield "rollcall_job_last_duration_seconds", _seconds(last.ended) - _seconds(last.started)
    if state.succeeded:
        yield "rollcall_job_last_success_timestamp_seconds", _seconds(state.succeeded)


def _seconds(when: str) -> float:
    return datetime.fromisoformat(when).timestamp()


def serve(port: int, watched: Sequence[Watched]) -> ThreadingHTTPServer:
    """Serve /metrics and /jobs on loopback from a thread. Raises OSError: the port is taken."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            found = {"/metrics": text, "/jobs": document}.get(self.path)
            content = (found(watched) if found else "not found\n").encode()
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            """Write no line for a request."""

    server = ThreadingHTTPServer((jobs.ADDRESS, port), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server
