"""A Consul agent of the tests' own, a registrator as a process, and a line to Docker that can be cut."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any

import consul
from docker.models.containers import Container
from free_ports import free_ports
from waiting import until

from rollcall.verify import dns_message

HOSTNAME = socket.gethostname()
ENGINE_SOCKET = Path("/var/run/docker.sock")
LABELS = {"rollcall.test": "1"}

Run = Callable[..., Container]
"""Runs a container: a suffix for its name, and options as docker.containers.run takes them."""


class Agent:
    """One Consul server on loopback, with its data on disk: it can be killed, started again, and wiped."""

    def __init__(self, binary: Path, folder: Path, **extra: Any) -> None:
        self.binary, self.folder = binary, folder
        http, dns, server, serf = free_ports(4)
        ports = {"http": http, "dns": dns, "server": server, "serf_lan": serf}
        self.port, self.dns_port = http, dns
        self.configuration = {
            "server": True,
            "bootstrap_expect": 1,
            "node_name": "test",
            "data_dir": str(folder / "data"),
            "bind_addr": "127.0.0.1",
            "client_addr": "127.0.0.1",
            "ports": {**ports, "grpc": -1, "grpc_tls": -1, "serf_wan": -1},
            "performance": {"raft_multiplier": 1},
            "enable_script_checks": True,
            "log_level": "warn",
            **extra,
        }
        self.token: str | None = None
        self.process: subprocess.Popen[bytes] | None = None

    def resolves(self, service: str) -> set[str]:
        """Ask Consul's DNS for the addresses of a service's passing instances."""
        name = f"{service}.service.consul"
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
            asker.settimeout(2)
            asker.sendto(dns_message.question(name, 1), ("127.0.0.1", self.dns_port))
            return set(dns_message.answer(asker.recv(4096), name).addresses)

    # One client keeps its connection; of many, each keeps one until it is collected, and Consul allows 200.
    @cached_property
    def api(self) -> consul.Consul:
        return consul.Consul(port=self.port, token=self.token)

    @property
    def uri(self) -> str:
        return f"consul://127.0.0.1:{self.port}"

    def start(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        configuration = self.folder / "agent.json"
        configuration.write_text(json.dumps(self.configuration))
        with (self.folder / "agent.log").open("ab") as log:
            self.process = subprocess.Popen(
                [str(self.binary), "agent", f"-config-file={configuration}"], stdout=log, stderr=log
            )
        until(self.has_leader, "a Consul with a leader", 30)

    def has_leader(self) -> bool:
        try:
            # A token is asked for only after the ACLs have come up, which is after the election.
            return bool(self.api.status.leader()) and self.api.catalog.node("test")[1] is not None
        except (OSError, consul.ConsulException):
            return False

    def kill(self) -> None:
        if self.process:
            self.process.kill()
            self.process.wait()
            self.process = None

    def wipe(self) -> None:
        self.kill()
        shutil.rmtree(self.folder / "data")

    def services(self) -> dict[str, Any]:
        return dict(self.api.agent.services())

    def catalog(self, name: str) -> dict[str, Any]:
        """The instances of a service in the catalog, by id."""
        return {entry["ServiceID"]: entry for entry in self.api.catalog.service(name)[1]}

    def raft_indexes(self, name: str) -> dict[str, int]:
        """At which entry of the raft log each instance was last written; the rest of a row is the node's."""
        return {service_id: entry["ModifyIndex"] for service_id, entry in self.catalog(name).items()}

    def checks(self, name: str) -> list[dict[str, Any]]:
        return list(self.api.health.checks(name)[1])

    def clear(self) -> None:
        for service_id in self.services():
            self.api.agent.service.deregister(service_id)
        until(lambda: set(self.api.catalog.services()[1]) == {"consul"}, "an empty catalog")


class Registrator:
    """`python -m rollcall.registrator` with given flags."""

    def __init__(self, log: Path, *arguments: str, docker_host: str | None = None, **environment: str) -> None:
        self.log = log
        host = docker_host or f"unix://{ENGINE_SOCKET}"
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "rollcall.registrator", *arguments],
                stdout=output,
                stderr=output,
                env={**os.environ, "DOCKER_HOST": host, **environment},
            )

    @property
    def text(self) -> str:
        return self.log.read_text()

    def says(self, text: str, seconds: float = 10) -> None:
        until(lambda: text in self.text, f"{text!r} in the log:\n{self.text}", seconds)

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(5)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


Start = Callable[..., Registrator]
"""Starts a registrator with flags."""


def run_once(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a registrator that is expected to end by itself."""
    return subprocess.run(
        [sys.executable, "-m", "rollcall.registrator", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
        env={**os.environ, "DOCKER_HOST": f"unix://{ENGINE_SOCKET}", **environment},
    )


class Line:
    """A socket in front of Docker's: what goes through it can be cut, and it can be taken away."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._pairs: list[tuple[socket.socket, socket.socket]] = []
        self._listener: socket.socket | None = None
        self.limit: int | None = None
        self.mend()

    @property
    def uri(self) -> str:
        return f"unix://{self.path}"

    def mend(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def cut(self) -> None:
        """Docker is gone: no socket, and every connection is closed."""
        if self._listener:
            self._listener.close()
            self.path.unlink()
            self._listener = None
        pairs, self._pairs = self._pairs, []
        for pair in pairs:
            for end in pair:
                with contextlib.suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)

    def cut_within_event(self) -> None:
        """Let the next event through for its first bytes only, and close that connection there."""
        self.limit = 40

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            engine = socket.socket(socket.AF_UNIX)
            engine.connect(str(ENGINE_SOCKET))
            self._pairs.append((client, engine))
            threading.Thread(target=self._pump, args=(client, engine), daemon=True).start()
            threading.Thread(target=self._pump, args=(engine, client), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if self.limit is not None and b'"Action":"start"' in data:
                    target.sendall(data[: self.limit])
                    self.limit = None
                    break
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def running(agent: Agent) -> Iterator[Agent]:
    try:
        agent.start()
        yield agent
    finally:
        agent.kill()
