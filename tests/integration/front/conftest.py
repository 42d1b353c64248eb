"""A front in its real container, a real Consul and real backends, on this machine's loopback and Docker bridge."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
import pytest
from acme_site import Site
from free_ports import free_port
from front_world import LABELS, STATE, Backend, Catalog, Front, answers, fleet, run
from own_consul import running
from removal import remove
from waiting import until

from rollcall.components import services
from rollcall.components.service import service_files
from rollcall.lab import dockerfile
from rollcall.lab.stand_in import container, context, put
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import Secrets


@pytest.fixture(scope="session")
def image() -> Callable[[str], str]:
    """Map a public image to the lab's image on this machine's engine."""
    return dockerfile.local_name


@pytest.fixture(scope="session")
def secret(tmp_path_factory: pytest.TempPathFactory) -> Secrets:
    """The secrets of the test's fleet, made as its first deploy makes them."""
    return store.read(PrivateDirectory(tmp_path_factory.mktemp("secrets") / "test"), fleet())


@pytest.fixture(scope="session")
def consul_agent(engine: docker.DockerClient, secret: Secrets) -> Iterator[Catalog]:
    # As in a deploy: consul-template keeps a connection for each service.
    with running(Catalog, engine, LABELS, "-hcl=limits { http_max_conns_per_client = 8192 }") as agent:
        agent.give_rights(secret)
        yield agent


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
    """Two sample backends, as a deploy runs them on the host app1."""
    folder = tmp_path_factory.mktemp("backends") / "files"
    host = fleet()
    resources = services.resources(context(host, host.members[0], secret))
    put(resources, service_files.FOLDER, folder)
    names = [f"rollcall-test-web-{number}" for number in (1, 2)]
    wanted = container(resources).mounts
    mounts = tuple(replace(one, source=one.source.replace(service_files.FOLDER, str(folder))) for one in wanted)
    running: list[Backend] = []
    try:
        for name in names:
            more = {"hostname": name, "network": "bridge", "mounts": mounts}
            running.append(Backend(run(engine, container(resources), name, image("nginx:1.30"), **more)))
        for one in running:
            until(lambda one=one: answers(one.address), f"a response of {one.name}")
        yield running
    finally:
        for one in running:
            remove(one.container)


StartFront = Callable[..., Any]


@pytest.fixture
def start_front(
    engine: docker.DockerClient,
    image: Callable[[str], str],
    tmp_path: Path,
    catalog: Catalog,
    secret: Secrets,
) -> StartFront:
    """Start a front with some settings and the current catalog; it stops with the block."""

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
        except AssertionError:
            # pytest shows it with the failure.
            sys.stdout.write(running.log())
            raise
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


@pytest.fixture
def acme_site(
    start_front: StartFront,
    catalog: Catalog,
    engine: docker.DockerClient,
    image: Callable[[str], str],
    secret: Secrets,
    tmp_path: Path,
) -> Site:
    """Starts a front with certificates by ACME, and a real authority."""
    return Site(start_front, catalog, engine, image, secret, tmp_path)
