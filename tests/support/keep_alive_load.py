"""Visitors who keep their connections, and how many of their requests were broken."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager


class Load:
    """Clients that send request after request over connections they keep, as browsers and services do."""

    def __init__(
        self,
        port: int,
        *,
        path: str = "/health",
        host: str = "www.mastartup.io",
        connections: int = 32,
        tls: ssl.SSLContext | None = None,
        pause: float = 0,
    ) -> None:
        """Take where to send what.

        Args:
            port: the front's, on this machine.
            path: the request's.
            host: the request's host name.
            connections: the number of clients.
            tls: for HTTPS.
            pause: seconds that each client waits between two requests; without, the load takes all the time that
                the machine has.
        """
        self.answers: Counter[str] = Counter()
        self.connects = 0
        self._port = port
        self._request = f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()
        self._connections = connections
        self._tls = tls
        self._pause = pause
        self._stop = False

    @property
    def requests(self) -> int:
        return self.answers.total()

    @property
    def broken(self) -> dict[str, int]:
        return {what: count for what, count in self.answers.items() if what != "200"}

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=lambda: asyncio.run(self._all()))
        thread.start()
        try:
            yield
        finally:
            self._stop = True
            thread.join()

    async def _all(self) -> None:
        await asyncio.gather(*(self._client() for _ in range(self._connections)))

    async def _client(self) -> None:
        while not self._stop:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port, ssl=self._tls)
            except OSError as error:
                self.answers[f"not connected: {error}"] += 1
                continue
            self.connects += 1
            try:
                while not self._stop and await self._keeps_after_request(reader, writer):
                    await asyncio.sleep(self._pause)
            except (OSError, asyncio.IncompleteReadError) as error:
                self.answers[f"no answer: {type(error).__name__}"] += 1
            finally:
                writer.close()

    async def _keeps_after_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(self._request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.splitlines() if line.startswith("content-length:")).split(":")[1]
        await reader.readexactly(int(length))
        self.answers[head.split()[1]] += 1
        return "connection: close" not in head
