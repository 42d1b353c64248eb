"""A front in its real container, a real Consul and real backends, on this machine's loopback and Docker bridge."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import pytest
from front_world import LABELS, STATE, Backend, Catalog, Front, answers, fleet, free_port, run, until

from rollcall import secrets
from rollcall.components import backend
from rollcall.desired import Mount
from rollcall.lab import dockerfile, images
from rollcall.lab import engine as lab_engine
from rollcall.lab.stand_in import container, put
from rollcall.secrets import Secrets


@pytest.fixture(name="until", scope="session")
def until_fixture() -> Callable[..., Any]:
    return until


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


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    """The secrets of the test's fleet, made as its first deploy makes them."""
    return secrets.load(tmp_path_factory.mktemp("secrets") / "test", fleet())


@pytest.fixture(scope="session")
def consul_agent(engine: docker.DockerClient, image: Callable[[str], str], secret: Secrets) -> Iterator[Catalog]:
    ports = {name: free_port() for name in ("http", "dns", "server", "serf-lan", "serf-wan")}
    flags = [f"-{name}-port={port}" for name, port in ports.items()]
    management = str(uuid.uuid4())
    tokens = " ".join(f'{use} = "{management}"' for use in ("initial_management", "agent", "dns"))
    started = engine.containers.run(
        image("hashicorp/consul:1.22.7"),
        [
            "agent",
            "-dev",
            "-node=app1",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-grpc-port=-1",
            "-grpc-tls-port=-1",
            "-hcl=limits { http_max_conns_per_client = 8192 }",
            f'-hcl=acl {{ enabled = true default_policy = "deny" tokens {{ {tokens} }} }}',
            *flags,
        ],
        detach=True,
        network_mode="host",
        labels=LABELS,
    )
    agent = Catalog(started, ports["http"], ports["dns"], management)
    try:
        until(agent.is_ready, "a Consul with a leader", 30)
        agent.give_rights(secret)
        yield agent
    finally:
        started.remove(force=True, v=True)


@pytest.fixture
def catalog(consul_agent: Catalog) -> Iterator[Catalog]:
    yield consul_agent
    consul_agent.clear()


@pytest.fixture(scope="session")
def backends(
    engine: docker.DockerClient,
    image: Callable[[str], str],
    secret: Secrets,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[Backend]]:
    """Two of them, as a deploy would run them on the host app1."""
    folder = tmp_path_factory.mktemp("backends") / "files"
    host = fleet()
    things = backend.desired(host, host.members[0], secret)
    put(things, backend.FOLDER, folder)
    names = [f"rollcall-test-web-{number}" for number in (1, 2)]
    mounts = (Mount(str(folder), backend.TARGET),)
    running: list[Backend] = []
    try:
        for name in names:
            more = {"hostname": name, "network": "bridge", "mounts": mounts}
            running.append(Backend(run(engine, container(things), name, image("nginx:1.30"), **more)))
        for one in running:
            until(lambda one=one: answers(one.address), f"an answer of {one.name}")
        yield running
    finally:
        for one in running:
            one.container.remove(force=True, v=True)


StartFront = Callable[..., Any]


@pytest.fixture
def start_front(
    engine: docker.DockerClient,
    image: Callable[[str], str],
    tmp_path: Path,
    catalog: Catalog,
    secret: Secrets,
) -> StartFront:
    """Start a front with some settings, and whatever the catalog holds by then; it ends with the block."""

    @contextmanager
    def front_with(**settings: Any) -> Iterator[Front]:
        ports = {"http_port": free_port(), "https_port": free_port()}
        settings = {"address": "127.0.0.1", "status": f"127.0.0.1:{free_port()}", **ports, **settings}
        running = Front(engine, tmp_path / "front", STATE, settings)
        try:
            running.configure(catalog, secret)
            running.start(image)
            until(lambda: running.status() != 0, "a front that listens")
            until(running.rendered, "a first rendering")
            yield running
        finally:
            running.remove()
            engine.volumes.get(STATE).remove()

    return front_with


@pytest.fixture(name="front")
def front_fixture(start_front: StartFront) -> Iterator[Front]:
    with start_front() as running:
        yield running


@pytest.fixture
def served(front: Front, catalog: Catalog, backends: list[Backend]) -> Front:
    """A front with the first backend behind it."""
    catalog.register(backends[0].name, backends[0].address)
    until(front.instances, "the instance behind the front")
    return front
