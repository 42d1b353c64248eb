"""What the tests are about: a Consul, instances, a HAProxy of the user's, and the templates' containers."""

import asyncio
import http.client
import json
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from docker.models.containers import Container
from own_consul import OwnConsul

from rollcall.components.template_files import render
from rollcall.secrets.store import Secrets

LABELS = {"rollcall.test.templates": "1"}
SERVICE = "webserver-80"


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
        for task in others:
            task.cancel()
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


class Catalog(OwnConsul):
    """What is registered and set here is what the templates see."""

    def register(self, instance: Instance) -> None:
        self.api.agent.service.register(
            SERVICE, service_id=f"app1:{instance.name}:80", address="127.0.0.1", port=instance.port
        )

    def deregister(self, instance: Instance) -> None:
        self.api.agent.service.deregister(f"app1:{instance.name}:80")

    def set(self, key: str, value: object) -> None:
        self.api.kv.put(f"haproxy/{key}", str(value))

    def give_rights(self, secret: Secrets, keys: Sequence[str]) -> None:
        """Make the templates' policy and token, as a deploy does."""
        self.add_policy("templates", render("consul/policies/templates.hcl.j2", template_keys=keys))
        self.add_token("templates", secret.tokens.secret("templates"))


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
        return next(template for template in json.loads(output)["templates"] if template["name"] == name)

    def problem(self) -> str:
        return str((self.status()["problem"] or {}).get("text", ""))

    @property
    def file(self) -> Path:
        return self.folder / "haproxy.cfg"

    def log(self) -> str:
        return str(self.container.logs().decode())
