"""Run clients that send request after request, and count the result of each; see `Clients`.

A request fails without a complete response of status 200; clients do not retry.
"""

import asyncio
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field
from typing import Any, cast

from background import Background

RESPONSE_TIMEOUT_SECONDS = 10
REQUEST = b"GET / HTTP/1.1\r\nHost: www.mastartup.io\r\n\r\n"
HEAD_END = b"\r\n\r\n"
OK = "200"
UNVERIFIED = ssl.create_default_context()
UNVERIFIED.check_hostname, UNVERIFIED.verify_mode = False, ssl.CERT_NONE


@dataclass
class Clients(Background):
    """Clients that keep their connections, unless their request ends them, and `pause` between two requests.

    With `names` they connect by TLS, each to the next of these names. `fates` counts requests by result; `seen` is when
    each instance, by its header Instance, last responded; `longest` is the most seconds that a request took.
    """

    request: bytes = REQUEST
    pause: float = 0
    names: tuple[str, ...] = ()
    fates: Counter[str] = field(default_factory=Counter)
    seen: dict[str, float] = field(default_factory=dict)
    connections: int = 0
    longest: float = 0
    _next: int = 0

    @property
    def requests(self) -> int:
        return self.fates.total()

    @property
    def broken(self) -> dict[str, int]:
        return {fate: number for fate, number in self.fates.items() if fate != OK}

    async def _one(self) -> None:
        loop = asyncio.get_running_loop()
        while not self.stopping:
            try:
                _, connection = await loop.create_connection(
                    lambda: Connection(self), "127.0.0.1", self.port, **self._tls()
                )
            except OSError as error:
                self.fates[f"not connected: {error.strerror}"] += 1
                await asyncio.sleep(0.001)
                continue
            self.connections += 1
            while not connection.ended.done():
                await asyncio.wait([connection.ended], timeout=1)
                connection.give_up_when_late()
            # One that connects anew each time pauses here.
            await asyncio.sleep(self.pause)

    def _tls(self) -> dict[str, Any]:
        """Return the options of a connection by TLS, whose certificate nobody checks; none without names."""
        if not self.names:
            return {}
        self._next += 1
        return {"ssl": UNVERIFIED, "server_hostname": self.names[self._next % len(self.names)]}


class Connection(asyncio.Protocol):
    """One connection, with one request at a time until it closes."""

    def __init__(self, clients: Clients) -> None:
        self.clients = clients
        self.ended = asyncio.get_running_loop().create_future()
        self.received = b""
        self.sent = 0.0
        self.pending = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(HEAD_END)
        if not found:
            return
        status, headers = parsed(head)
        if len(body) < int(headers.get("content-length", "0")):
            return
        self._responded(status, headers)

    def _responded(self, status: str, headers: dict[str, str]) -> None:
        self.clients.fates[status if status == OK else f"status {status}"] += 1
        if "instance" in headers:
            self.clients.seen[headers["instance"]] = time.monotonic()
        # Without a length, only the end of the connection ends the response.
        last = headers.get("connection", "").lower() == "close" or "content-length" not in headers
        self.clients.longest = max(self.clients.longest, time.monotonic() - self.sent)
        self.pending = False
        if last or self.clients.stopping:
            self._end()
        elif self.clients.pause:
            asyncio.get_running_loop().call_later(self.clients.pause, self._send)
        else:
            self._send()

    def _send(self) -> None:
        if self.ended.done():
            return
        if self.clients.stopping:
            self._end()
            return
        self.received, self.sent, self.pending = b"", time.monotonic(), True
        self.transport.write(self.clients.request)

    def give_up_when_late(self) -> None:
        if self.pending and not self.ended.done() and time.monotonic() - self.sent > RESPONSE_TIMEOUT_SECONDS:
            self.clients.fates[f"no response within {RESPONSE_TIMEOUT_SECONDS} s"] += 1
            self._end()

    def _end(self) -> None:
        self.ended.set_result(None)
        self.transport.close()

    def connection_lost(self, error: Exception | None) -> None:
        if not self.ended.done():
            how = "reset" if error else "closed"
            # Between two requests a server may close.
            if self.pending:
                self.clients.fates[f"connection {how} {'within' if self.received else 'before'} the response"] += 1
            self.ended.set_result(None)


def parsed(head: bytes) -> tuple[str, dict[str, str]]:
    """Return the status and the headers of a response, header names in lower case."""
    first, *lines = head.decode("latin-1").split("\r\n")
    headers = (line.partition(":") for line in lines)
    return first.split()[1], {name.lower(): value.strip() for name, _, value in headers}
