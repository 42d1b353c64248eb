"""No request is lost because the list changes."""

import asyncio
import ssl
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from rollcall import certificates

CONNECTIONS = 32
CHANGES = 50


class Load:
    """Clients that send request after request over connections they keep, as browsers and services do."""

    def __init__(self, port: int, tls: ssl.SSLContext | None = None) -> None:
        self.port = port
        self.tls = tls
        self.answers: Counter[str] = Counter()
        self.connects = 0
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
        await asyncio.gather(*(self._client() for _ in range(CONNECTIONS)))

    async def _client(self) -> None:
        while not self._stop:
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", self.port, ssl=self.tls)
            except OSError as error:
                self.answers[f"not connected: {error}"] += 1
                continue
            self.connects += 1
            try:
                while not self._stop and await self._keeps_after_request(reader, writer):
                    pass
            except (OSError, asyncio.IncompleteReadError) as error:
                self.answers[f"no answer: {type(error).__name__}"] += 1
            finally:
                writer.close()

    async def _keeps_after_request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        writer.write(b"GET /health HTTP/1.1\r\nHost: www.mastartup.io\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.splitlines() if line.startswith("content-length:")).split(":")[1]
        await reader.readexactly(int(length))
        self.answers[head.split()[1]] += 1
        return "connection: close" not in head


def test_fifty_changes_of_the_list_under_keep_alive_load_lose_nothing(
    front, catalog, backends, until, record_property
) -> None:
    one, two = backends
    catalog.register("one", one.address)
    until(front.instances, "the instance behind the front")

    load = Load(front.http_port)
    with load.running():
        for change in range(CHANGES // 2):
            catalog.register("two", two.address)
            until(lambda: len(front.servers()) == 2, f"the instance added in round {change}")
            catalog.deregister("two")
            until(lambda: len(front.servers()) == 1, f"the instance removed in round {change}")

    record_property("requests", load.requests)
    record_property("connects", load.connects)
    assert load.requests > 1000
    assert load.broken == {}


def test_certificates_and_tokens_that_change_under_load_lose_nothing(served, catalog, record_property) -> None:
    load = Load(served.https_port, ssl._create_unverified_context())
    authority = certificates.authority("another")
    with load.running():
        for _ in range(10):
            new = certificates.issue(authority, "front", ["www.mastartup.io"], "server")
            served.write("tls/front.crt", new.certificate)
            served.write("tls/front.key", new.key)
            assert served.execute("front-apply")[0] == 0
            served.write("token", catalog.add_token("front"))
            assert served.execute("front-reload")[0] == 0

    record_property("requests", load.requests)
    record_property("connects", load.connects)
    assert load.requests > 1000
    assert load.broken == {}
