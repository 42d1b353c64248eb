"""A front in its real container, a real Consul and real backends, on this machine's loopback and Docker bridge."""

import http.client
import json
import socket
import ssl
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import consul
import docker
import pytest
from docker.models.containers import Container

from rollcall.certificates import self_signed
from rollcall.lab import dockerfile, images
from rollcall.lab import engine as lab_engine
from rollcall.settings import Front as FrontSettings
from rollcall.templates import render, source

LABELS = {"rollcall.test": "1"}
NOBODY = "127.0.0.1:65535"


def until(condition: Callable[[], Any], what: str, seconds: float = 10) -> Any:
    """Wait for a condition and give its value; say what was missing, and what was there instead."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:g} s: {what} (last: {value!r})"
        time.sleep(0.01)
    return value


@pytest.fixture(name="until", scope="session")
def until_fixture() -> Callable[..., Any]:
    return until


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """This machine's engine, with the lab's images on it."""
    lab_engine.ensure()
    images.ensure()
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image() -> Callable[[str], str]:
    """The name, on this machine's engine, of the lab's image that stands for a public one."""
    return dockerfile.local_name


@dataclass
class Catalog:
    """A Consul agent of the test's own; what is registered here is what the front sees."""

    container: Container
    port: int
    dns_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    @property
    def api(self) -> consul.Consul:
        return consul.Consul(port=self.port)

    def register(self, name: str, address: str, port: int = 80, *, service: str = "webserver-80", **more: Any) -> None:
        self.api.agent.service.register(
            service, service_id=f"app1:{name}:80", address=address, port=port, tags=["http"], **more
        )

    def deregister(self, name: str) -> None:
        self.api.agent.service.deregister(f"app1:{name}:80")

    def clear(self) -> None:
        for identity in self.api.agent.services():
            self.api.agent.service.deregister(identity)
        until(lambda: set(self.api.catalog.services()[1]) == {"consul"}, "an empty catalog")

    def has_leader(self) -> bool:
        try:
            return bool(self.api.status.leader())
        except (OSError, consul.ConsulException):
            return False


@pytest.fixture(scope="session")
def consul_agent(engine: docker.DockerClient, image: Callable[[str], str]) -> Iterator[Catalog]:
    ports = {name: free_port() for name in ("http", "dns", "server", "serf-lan", "serf-wan")}
    flags = [f"-{name}-port={port}" for name, port in ports.items()]
    container = engine.containers.run(
        image("hashicorp/consul:1.22.7"),
        [
            "agent",
            "-dev",
            "-node=app1",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-grpc-port=-1",
            "-grpc-tls-port=-1",
            *flags,
        ],
        detach=True,
        network_mode="host",
        labels=LABELS,
    )
    agent = Catalog(container, ports["http"], ports["dns"])
    try:
        until(agent.has_leader, "a Consul with a leader", 30)
        yield agent
    finally:
        container.remove(force=True, v=True)


@pytest.fixture
def catalog(consul_agent: Catalog) -> Iterator[Catalog]:
    yield consul_agent
    consul_agent.clear()


def write_pair(folder: Path, name: str) -> None:
    """Write a self-signed certificate and its key, as a deploy does."""
    folder.mkdir(parents=True, exist_ok=True)
    certificate, key = self_signed(name)
    (folder / f"{name}.crt").write_text(certificate)
    (folder / f"{name}.key").write_text(key)


@dataclass
class Backend:
    """A sample web container; its address changes when it is started again."""

    container: Container

    @property
    def address(self) -> str:
        self.container.reload()
        networks = self.container.attrs["NetworkSettings"]["Networks"]
        return str(networks["bridge"]["IPAddress"])

    @property
    def name(self) -> str:
        return str(self.container.name)


@pytest.fixture(scope="session")
def backends(
    engine: docker.DockerClient, image: Callable[[str], str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[list[Backend]]:
    """Two of them, as a deploy would run them on the host app1."""
    folder = tmp_path_factory.mktemp("backends")
    (folder / "nginx.conf").write_text(render("backend/nginx.conf.j2", backend={"host": "app1"}))
    (folder / "answer.js").write_text(source("backend/answer.js"))
    write_pair(folder / "tls", "backend")
    running = [_start_backend(engine, image("nginx:1.30"), folder, f"rollcall-test-web-{number}") for number in (1, 2)]
    try:
        for backend in running:
            until(lambda backend=backend: answers(backend.address), f"an answer of {backend.name}")
        yield running
    finally:
        for backend in running:
            backend.container.remove(force=True, v=True)


def _start_backend(engine: docker.DockerClient, image: str, folder: Path, name: str) -> Backend:
    container = engine.containers.run(
        image,
        ["nginx", "-c", "/etc/nginx/rollcall/nginx.conf", "-g", "daemon off;"],
        detach=True,
        name=name,
        hostname=name,
        labels=LABELS,
        volumes={str(folder): {"bind": "/etc/nginx/rollcall", "mode": "ro"}},
    )
    return Backend(container)


def answers(address: str, port: int = 80) -> bool:
    try:
        socket.create_connection((address, port), 1).close()
    except OSError:
        return False
    return True


@dataclass
class Answer:
    status: int
    headers: http.client.HTTPMessage
    text: str

    @property
    def json(self) -> Any:
        return json.loads(self.text)


class Front:
    """The container as a deploy runs it, with what a person at its host would ask it."""

    def __init__(self, engine: docker.DockerClient, image: str, folder: Path, catalog: Catalog) -> None:
        self.folder = folder
        self.settings = FrontSettings(address="127.0.0.1", http_port=free_port(), https_port=free_port())
        write_pair(folder / "tls", "front")
        self.write("nginx.conf", render("front/nginx.conf.j2", front=self.settings))
        self.write("upstream.ctmpl", render("front/upstream.ctmpl.j2", front=self.settings))
        self.write("consul-template.hcl", render("front/consul-template.hcl.j2", consul_address=catalog.address))
        self.container = engine.containers.create(
            image,
            labels=LABELS,
            network_mode="host",
            restart_policy={"Name": "always"},
            volumes={str(folder): {"bind": "/etc/rollcall/front", "mode": "ro"}},
        )

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text)

    def read(self, name: str) -> str:
        return (self.folder / name).read_text()

    def get(self, path: str = "/json", *, host: str = "", tls: bool = False, **headers: str) -> Answer:
        connection = self.connect(tls=tls)
        try:
            more = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request("GET", path, headers=more | ({"Host": host} if host else {}))
            response = connection.getresponse()
            return Answer(response.status, response.headers, response.read().decode())
        finally:
            connection.close()

    def connect(self, *, tls: bool = False) -> http.client.HTTPConnection:
        if not tls:
            return http.client.HTTPConnection("127.0.0.1", self.settings.http_port, timeout=5)
        context = ssl.create_default_context(cafile=str(self.folder / "tls" / "front.crt"))
        context.check_hostname = False
        return http.client.HTTPSConnection("127.0.0.1", self.settings.https_port, timeout=5, context=context)

    def status(self) -> int:
        """The status of one request; 0 when nobody listens."""
        try:
            return self.get("/health").status
        except OSError:
            return 0

    def execute(self, *command: str) -> tuple[int, str, str]:
        code, (out, err) = self.container.exec_run(list(command), demux=True)
        return code, (out or b"").decode(), (err or b"").decode()

    def shell(self, script: str) -> str:
        return self.execute("bash", "-c", script)[1]

    def loaded(self) -> str:
        """The catalog's part of the configuration that nginx serves; nothing while it changes."""
        return self.shell(
            "exec 9>/run/rollcall/front/lock; flock -n 9 && cat /var/lib/rollcall/front/current/upstream.conf"
        )

    def servers(self) -> list[str]:
        """ADDRESS:PORT of each server in the list that nginx serves, once no older list is served beside it."""
        return [line.split()[1].rstrip(";") for line in self.loaded().splitlines() if line.startswith("    server 1")]

    def instances(self) -> list[str]:
        """The same without the server that stands for nobody."""
        return [server for server in self.servers() if server != NOBODY]

    def failure(self) -> str:
        return self.execute("cat", "/run/rollcall/front/failure")[1]

    def restarts(self) -> int:
        self.container.reload()
        return int(self.container.attrs["RestartCount"])

    def state(self) -> dict[str, Any]:
        self.container.reload()
        return dict(self.container.attrs["State"])

    def log(self) -> str:
        return str(self.container.logs().decode())


@pytest.fixture
def front(
    engine: docker.DockerClient, image: Callable[[str], str], tmp_path: Path, catalog: Catalog
) -> Iterator[Front]:
    """Started, with whatever the catalog holds by then."""
    running = Front(engine, image("rollcall/front:0.1.0"), tmp_path / "front", catalog)
    try:
        running.container.start()
        until(lambda: running.status() != 0, "a front that listens")
        until(lambda: "serves" in running.log(), "a first rendering")
        yield running
    finally:
        running.container.remove(force=True, v=True)
