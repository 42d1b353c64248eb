"""Draining a real container: it is out of the catalog at once, and drained when the last connection is closed."""

import re
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from docker.models.containers import Container
from guarded_agent import FLEETS_POLICY, Guarded
from operator_world import Operator
from registrator_world import HOSTNAME, Run, Start
from waiting import until


@pytest.fixture
def operator(guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    return Operator(guarded, tmp_path, monkeypatch)


@pytest.fixture
def container(start: Start, run: Run, guarded: Guarded, tmp_path: Path, name: str) -> Container:
    """A registered one; its port is published, as on a fleet of many hosts."""
    token = tmp_path / "registrator.token"
    token.write_text(guarded.allow(FLEETS_POLICY))
    start("-ip=127.0.0.1", uri=guarded.uri, CONSUL_HTTP_TOKEN_FILE=str(token))
    container = run(ports={"80/tcp": ("127.0.0.1", None)})
    until(lambda: passing(guarded, name), "in service")
    until(lambda: listens(container), "an nginx that listens")
    return container


def passing(guarded: Guarded, name: str) -> bool:
    return bool(guarded.api.health.service(name, passing=True)[1])


def address(container: Container) -> str:
    container.reload()
    return str(container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"])


def listens(container: Container) -> bool:
    try:
        socket.create_connection((address(container), 80), 1).close()
    except OSError:
        return False
    return True


@contextmanager
def connected(container: Container) -> Iterator[socket.socket]:
    """A visitor who keeps his connection."""
    with socket.create_connection((address(container), 80), 5) as connection:
        yield connection


def test_an_idle_container_is_drained_at_once_and_comes_back(
    operator: Operator, guarded: Guarded, container: Container, name: str
) -> None:
    target = f"app1/{container.name}"
    said = operator.types("drain", target)
    seconds = re.search(rf"Drained {target} in ([\d.]+) s\. To put it back: rollcall undrain here\.py {target}", said)
    assert seconds, said
    assert f"no other instance of {name} is in service; its requests will fail" in said
    assert float(seconds[1]) < 5
    assert not passing(guarded, name)
    assert guarded.catalog(name)
    assert operator.types("undrain", target) == f"Back in service: {target}\n"
    until(lambda: passing(guarded, name), "in service again")


def test_an_open_connection_is_reported_at_the_deadline(
    operator: Operator, guarded: Guarded, container: Container, name: str
) -> None:
    target = f"app1/{container.name}"
    with connected(container), connected(container):
        said = operator.types("drain", target, "--deadline", "1", code=1)
    words = f"{target} is out of service, but after 1 s 2 connections are left: 2 of [0-9.]+ to {HOSTNAME}:{name}:80; "
    assert re.search(words, said), said
    assert not passing(guarded, name)


def test_it_is_drained_as_soon_as_the_last_connection_is_closed(operator: Operator, container: Container) -> None:
    with connected(container) as connection:
        closing = threading.Timer(2, connection.close)
        closing.start()
        started = time.monotonic()
        operator.types("drain", f"app1/{container.name}", "--deadline", "20")
        assert 2 <= time.monotonic() - started < 8
        closing.join()


def test_a_whole_host_is_drained_with_what_else_is_registered_there(
    operator: Operator, guarded: Guarded, container: Container, name: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        guarded.api.agent.service.register("by-hand", service_id="by-hand", port=port)
        with socket.create_connection(("127.0.0.1", port)):
            said = operator.types("drain", "app1", "--deadline", "1", code=1)
    assert "1 connection is left: 1 of app1 to by-hand" in said
    assert not passing(guarded, name)
    assert not passing(guarded, "by-hand")
    assert "Drained app1" in operator.types("drain", "app1")
    still = operator.types("undrain", f"app1/{container.name}")
    assert "but all of app1 is drained" in still
    operator.types("undrain", "app1")
    until(lambda: passing(guarded, name) and passing(guarded, "by-hand"), "everything in service")


def test_an_individually_drained_container_is_named_when_the_host_comes_back(
    operator: Operator, container: Container
) -> None:
    operator.types("drain", f"app1/{container.name}")
    operator.types("drain", "app1")
    said = operator.types("undrain", "app1")
    assert f"these containers are drained individually: {HOSTNAME}:{container.name}:80" in said


def test_a_stopped_container_is_not_drained(operator: Operator, container: Container) -> None:
    said = operator.types("drain", f"app1/{container.name}x", code=1)
    assert f"did you mean {container.name}?" in said
