"""What tests on this machine's engine have in common."""

from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
import waiting
from xdist.scheduler import LoadScopeScheduling

from rollcall.lab import engine as lab_engine
from rollcall.lab import images


class ByWorld(LoadScopeScheduling):
    """Divide the tests among two processes: those of the registrator share an agent, all others a front's names."""

    def _split_scope(self, nodeid: str) -> str:
        return "registrator" if "/registrator/" in nodeid else "front"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return ByWorld(config, log)


@pytest.fixture(scope="session")
def until() -> Callable[..., Any]:
    return waiting.until


@pytest.fixture(scope="session")
def engine() -> Iterator[docker.DockerClient]:
    """This machine's engine, with the lab's images on it."""
    lab_engine.ensure()
    images.ensure()
    client = docker.from_env()
    yield client
    client.close()
