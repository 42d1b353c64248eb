"""Run commands in the user's container, without the engine's socket.

The commands filter (templates/template_sync/nginx.conf.j2) has that socket. It accepts only requests such as "the check
of haproxy" or "the reload of haproxy": the deploy fixes the commands, and no request can change them.
"""

import http.client
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from rollcall.contract.template_settings import Template
from rollcall.template_sync.commands import TIMEOUT_SECONDS, CommandError, NotRunningError, Purpose, worded

_HEADER = 8


class Inside:
    """Run commands in the container that a template names."""

    def __init__(self, template: Template, filter_socket: Path) -> None:
        """Take the template and the filter's socket; send no request yet."""
        self._template = template
        self._socket = filter_socket

    def run(self, purpose: Purpose) -> None:
        """Run one and wait for its end. Raises CommandError; NotRunningError if the container does not run."""
        deadline = time.monotonic() + TIMEOUT_SECONDS
        try:
            identity = json.loads(self._request("POST", f"/{self._template.name}/{purpose}"))["Id"]
            output = b"".join(frames(self._request("POST", f"/exec/{identity}/start")))
            while (state := json.loads(self._request("GET", f"/exec/{identity}/json")))["Running"]:
                if time.monotonic() > deadline:
                    raise TimeoutError
                time.sleep(0.01)
        except TimeoutError:
            raise CommandError(f"did not exit within {TIMEOUT_SECONDS:g} s") from None
        except (OSError, http.client.HTTPException, ValueError, KeyError) as problem:
            raise CommandError(f"the commands filter does not respond as expected: {problem}") from problem
        if state["ExitCode"] != 0:
            raise CommandError(worded(state["ExitCode"], output))

    def _request(self, method: str, path: str) -> bytes:
        connection = _Connection(self._socket)
        try:
            connection.request(method, path)
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status >= http.HTTPStatus.BAD_REQUEST:
            raise self._error(response.status, body)
        return body

    def _error(self, status: int, body: bytes) -> CommandError:
        message = _message(body)
        # The container is missing, or stopped or paused.
        if status in (http.HTTPStatus.NOT_FOUND, http.HTTPStatus.CONFLICT):
            return NotRunningError(f"the container {self._template.container} does not run: {message}")
        return CommandError(message or f"the engine responds with {status}")


def frames(stream: bytes) -> Iterator[bytes]:
    """Remove the engine's framing from a command's output (Docker's API, "Attach to a container", stream format)."""
    at = 0
    while at + _HEADER <= len(stream):
        size = int.from_bytes(stream[at + 4 : at + _HEADER], "big")
        yield stream[at + _HEADER : at + _HEADER + size]
        at += _HEADER + size


def _message(body: bytes) -> str:
    try:
        document: Any = json.loads(body)
        return str(document["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace").strip()


class _Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=TIMEOUT_SECONDS)
        self._path = path

    def connect(self) -> None:
        """Connect to the socket instead of a port."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
