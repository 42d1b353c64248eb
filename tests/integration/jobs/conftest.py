"""A real Consul, and one host with jobs."""

from collections.abc import Iterator
from pathlib import Path

import docker
import pytest
from jobs_world import LABELS, Kv, World, fleet
from own_consul import running

from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory


@pytest.fixture(scope="session")
def agent(engine: docker.DockerClient) -> Iterator[Kv]:
    with running(Kv, engine, LABELS) as one:
        yield one


@pytest.fixture
def kv(agent: Kv) -> Iterator[Kv]:
    yield agent
    for session in agent.api.session.list()[1]:
        agent.api.session.destroy(session["ID"])
    agent.clear()


@pytest.fixture
def world(engine: docker.DockerClient, kv: Kv, tmp_path: Path) -> Iterator[World]:
    secret = store.read(PrivateDirectory(tmp_path / "secrets"), fleet("true"))
    one = World(engine, kv, secret, tmp_path)
    try:
        yield one
    finally:
        one.remove()
