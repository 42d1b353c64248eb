"""What the tests are about: a Consul, instances, a HAProxy of the user's, and the templates' containers."""

import asyncio
import http.client
import json
import socket
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import consul
import requests
from docker.models.containers import Container

from rollcall.secrets import Secrets
from rollcall.templates import render

LABELS = {"rollcall.test.templates": "1"}
SERVICE = "webserver-80"


def until(condition: Callable[[], Any], what: str, seconds: float = 10) -> Any:
    """Wait for a condition and give its value; say what was missing, and what was there instead."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what} (last: {value!r})"
        time.sleep(0.01)
    return value


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


class Instance:
    """A server that answers every request with its name, over connections that it keeps."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.port = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def start(self) -> None:
        self._thread.start()
        self.port = asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result(5)

    def stop(self) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    async def _end(self) -> None:
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for one in others:
            one.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _listen(self) -> int:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return int(server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = self.name.encode()
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()


@dataclass
class Catalog:
    """A Consul agent of the test's own, default deny."""

    container: Container
    port: int
    management: str

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def api(self) -> consul.Consul:
        return consul.Consul(port=self.port, token=self.management)

    def is_ready(self) -> bool:
        try:
            return bool(self.api.status.leader()) and bool(self.api.acl.token.read_self())
        except (OSError, consul.ConsulException):
            return False

    def register(self, instance: Instance) -> None:
        self.api.agent.service.register(
            SERVICE, service_id=f"app1:{instance.name}:80", address="127.0.0.1", port=instance.port
        )

    def deregister(self, instance: Instance) -> None:
        self.api.agent.service.deregister(f"app1:{instance.name}:80")

    def set(self, key: str, value: object) -> None:
        self.api.kv.put(f"haproxy/{key}", str(value))

    def clear(self) -> None:
        for identity in self.api.agent.services():
            self.api.agent.service.deregister(identity)
        self.api.kv.delete("", recurse=True)
        until(lambda: set(self.api.catalog.services()[1]) == {"consul"}, "an empty catalog")

    def give_rights(self, secret: Secrets, keys: Sequence[str]) -> None:
        """Make the templates' policy and token, as a deploy does."""
        self.set_policy(render("consul/policies/templates.hcl.j2", template_keys=keys))
        self.api.acl.token.create(secret_id=secret.tokens.secret("templates"), policies_name=["templates"])

    def set_policy(self, rules: str) -> None:
        # py-consul makes JSON of the rules once too often.
        done = requests.put(
            f"http://{self.address}/v1/acl/policy",
            headers={"X-Consul-Token": self.management},
            json={"Name": "templates", "Rules": rules},
            timeout=5,
        )
        done.raise_for_status()


@dataclass
class HAProxy:
    """The user's HAProxy in a container of the user's own."""

    container: Container
    port: int

    def answer(self) -> str:
        """Who answered one request; nothing when nobody listens, and the status of an error."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/")
            answer = connection.getresponse()
            return answer.read().decode() if answer.status == 200 else str(answer.status)
        except (OSError, http.client.HTTPException):
            return ""
        finally:
            connection.close()

    def answers(self) -> set[str]:
        return {self.answer() for _ in range(4)}


@dataclass
class Templates:
    """The templates' containers as a deploy runs them."""

    container: Container
    folder: Path

    def status(self, name: str = "haproxy") -> dict[str, Any]:
        code, output = self.container.exec_run(["templates-status"])
        if code != 0:
            return {"problem": None, "changes": 0, "state": "", "addresses": -1}
        return next(one for one in json.loads(output)["templates"] if one["name"] == name)

    def problem(self) -> str:
        return str((self.status()["problem"] or {}).get("text", ""))

    @property
    def file(self) -> Path:
        return self.folder / "haproxy.cfg"

    def log(self) -> str:
        return str(self.container.logs().decode())


class Load:
    """Clients that send request after request over connections they keep."""

    def __init__(self, port: int, connections: int) -> None:
        self.answers: Counter[str] = Counter()
        self.connects = 0
        self._port = port
        self._connections = connections
        self._stop = False

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
                reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
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
        writer.write(b"GET / HTTP/1.1\r\nHost: www\r\n\r\n")
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = next(line for line in head.splitlines() if line.startswith("content-length:")).split(":")[1]
        await reader.readexactly(int(length))
        self.answers[head.split()[1]] += 1
        return "connection: close" not in head


def new_token() -> str:
    return str(uuid.uuid4())
