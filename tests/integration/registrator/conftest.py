"""What every test of the registrator has: a Consul, a way to run containers, and a way to run registrators."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import docker
import pytest
from docker.models.containers import Container
from docker.models.networks import Network
from guarded_agent import Guarded
from registrator_world import LABELS, Agent, Line, Registrator, Run, Start, running
from removal import remove

from rollcall.lab import catalogue, engine, go, images

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def consul_binary() -> Path:
    return go.build(go.CONSUL)


@pytest.fixture(scope="session")
def client() -> Iterator[docker.DockerClient]:
    engine.ensure()
    client = docker.from_env()
    yield client
    client.close()


@pytest.fixture(scope="session")
def image(client: docker.DockerClient) -> str:
    """The lab's nginx: it exposes 80 and stops at SIGQUIT."""
    return made(client, "nginx:")


@pytest.fixture(scope="session")
def registrator_image(client: docker.DockerClient) -> str:
    return made(client, "rollcall/registrator:")


def made(client: docker.DockerClient, name: str) -> str:
    (image,) = (image for image in catalogue.IMAGES if image.name.startswith(name))
    if not client.images.list(image.local):
        images.ensure()
    return image.local


@pytest.fixture(scope="session")
def shared_agent(consul_binary: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Agent]:
    with running(Agent(consul_binary, tmp_path_factory.mktemp("consul"))) as agent:
        yield agent


@pytest.fixture
def agent(shared_agent: Agent) -> Iterator[Agent]:
    yield shared_agent
    shared_agent.clear()


@pytest.fixture
def own_agent(consul_binary: Path, tmp_path: Path) -> Iterator[Agent]:
    """An agent that the test may kill or wipe."""
    with running(Agent(consul_binary, tmp_path / "consul")) as agent:
        yield agent


@pytest.fixture
def guarded(consul_binary: Path, tmp_path: Path) -> Iterator[Guarded]:
    """An agent with ACLs that denies by default."""
    agent = Guarded(consul_binary, tmp_path / "consul")
    with running(agent):
        yield agent


@pytest.fixture
def name() -> str:
    """A service and container name that no other test and nobody else on the machine uses."""
    return f"rollcall-test-reg-{next(_numbers)}"


@pytest.fixture
def run(client: docker.DockerClient, image: str, name: str) -> Iterator[Run]:
    """Run a container whose service has the test's name, unless SERVICE_NAME is given."""
    made: list[Container] = []

    def run_one(suffix: str = "", **options: Any) -> Container:
        environment = {"SERVICE_NAME": name, **options.pop("environment", {})}
        options = {"labels": LABELS, "environment": environment, "detach": True, **options}
        container = client.containers.run(image, name=f"{name}{suffix}", **options)
        made.append(container)
        return container

    yield run_one
    for container in made:
        try:
            remove(container)
        except docker.errors.NotFound:
            continue


@pytest.fixture
def network(client: docker.DockerClient) -> Iterator[Callable[[str], Network]]:
    made: list[Network] = []

    def network_of(name: str) -> Network:
        made.append(client.networks.create(name, labels=LABELS))
        return made[-1]

    yield network_of
    for one in made:
        one.reload()
        for container in one.containers:
            one.disconnect(container, force=True)
        one.remove()


@pytest.fixture
def start(agent: Agent, tmp_path: Path) -> Iterator[Start]:
    """Start a registrator; it is waited for until it listens to Docker, unless `wait` is false."""
    made: list[Registrator] = []

    def start_one(*flags: str, uri: str = agent.uri, wait: bool = True, **options: str) -> Registrator:
        log = tmp_path / f"registrator-{len(made)}.log"
        made.append(Registrator(log, *flags, uri, **options))
        if wait:
            made[-1].says("listening for its events")
        return made[-1]

    yield start_one
    for registrator in made:
        registrator.kill()


@pytest.fixture
def line(tmp_path: Path) -> Iterator[Line]:
    line = Line(tmp_path / "docker.sock")
    yield line
    line.cut()
