"""What tests on this machine's engine have in common."""

from collections.abc import Callable, Iterator
from typing import Any

import docker
import pytest
import waiting

from rollcall.lab import engine as lab_engine
from rollcall.lab import images


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
