"""The registrator as nobody behind the socket filter, as a deploy runs them: it works, and goes on working."""

import contextlib
import json
import os
import signal
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest
from filter_world import FLEET, MEMBER, Filter, Listener, Nobody, filtered, say
from filter_world import docker as docker_command
from free_ports import free_ports
from guarded_agent import FLEETS_POLICY, Guarded
from healthchecks import HEALTHCHECK, health, says
from registrator_world import HOSTNAME, Agent, Run, Start
from waiting import until

from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import Secrets

NOBODY = "65534"


@pytest.fixture
def before(name: str, image: str, tmp_path: Path) -> Iterator[Filter]:
    """The filter before this machine's own engine."""
    with filtered(name, image, tmp_path) as made:
        yield made


@pytest.fixture
def kept(tmp_path: Path) -> Secrets:
    return store.read(PrivateDirectory(tmp_path / "secrets"), FLEET)


@pytest.fixture
def nobody(
    name: str, registrator_image: str, tmp_path: Path, before: Filter, kept: Secrets
) -> Iterator[Callable[..., Nobody]]:
    made: list[Nobody] = []

    def start_one(*flags: str) -> Nobody:
        made.append(Nobody(name, registrator_image, tmp_path / "registrator", before, kept, *flags))
        return made[-1]

    yield start_one
    for one in made:
        one.remove()


def test_the_user_nobody_behind_the_filter_does_all_that_root_did(
    nobody: Callable[..., Nobody], kept: Secrets, run: Run, guarded: Guarded, name: str
) -> None:
    (port,) = free_ports(1)
    guarded.allow(FLEETS_POLICY, kept.tokens.secret("registrator", MEMBER.node))
    container = run(healthcheck=HEALTHCHECK)
    says(container, "yes")
    registrator = nobody("-internal", f"-status=127.0.0.1:{port}", "-cleanup", "-resync=1", guarded.uri)
    until(lambda: health(guarded, name) == ("passing", "reads yes"), "passing with its output")
    run("-second")
    until(lambda: len(guarded.catalog(name)) == 2, "two instances")
    container.stop()
    until(lambda: set(guarded.catalog(name)) == {f"test:{name}-second:80"}, "the second only")
    assert json.loads(registrator.ask("healthy")) == {"docker": True, "consul": True, "loop": True}
    assert f"test:{name}-second:80" in registrator.ask("once", "-dry", "-internal")
    users = docker_command("top", registrator.name, "-o", "pid,uid,gid").splitlines()[1:]
    assert {tuple(line.split()[1:]) for line in users} == {(NOBODY, NOBODY)}
    assert "refuse" not in registrator.log


def test_the_engines_own_client_reads_through_it_and_gets_refusals(before: Filter, run: Run) -> None:
    container = run()
    client = docker.APIClient(base_url=before.uri, version="auto")
    assert client.ping()
    assert container.id in [one["Id"] for one in client.containers()]
    assert client.inspect_container(container.id)["Name"] == f"/{container.name}"
    events = client.events(since=0, until=int(time.time()) + 1, filters={"container": container.id}, decode=True)
    assert "start" in [event["Action"] for event in events]
    with pytest.raises(docker.errors.APIError, match="refused by the socket filter"):
        client.create_container("nginx")
    with pytest.raises(docker.errors.NotFound):
        client.inspect_container("f" * 64)


def test_a_filter_that_is_killed_is_back_and_the_registrator_catches_up(
    before: Filter, start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-internal", docker_host=before.uri)
    old = run("-old")
    until(lambda: agent.catalog(name), name)
    os.kill(before.process(), signal.SIGKILL)
    registrator.says("Docker does not respond")
    old.kill()
    run("-new")
    until(lambda: registrator.text.count("listening for its events") > 1, f"listening again, by {registrator.log}", 30)
    until(lambda: set(agent.catalog(name)) == {f"{HOSTNAME}:{name}-new:80"}, "the new one only")


def test_a_stop_of_the_filter_does_not_wait_for_the_stream_of_events(
    before: Filter, start: Start, run: Run, agent: Agent, name: str
) -> None:
    registrator = start("-internal", docker_host=before.uri)
    began = time.monotonic()
    docker_command("stop", before.name)
    assert time.monotonic() - began < 5
    assert not before.path.exists()
    docker_command("start", before.name)
    run()
    until(lambda: agent.catalog(name), name)
    assert registrator.process.poll() is None


@pytest.fixture
def listener(tmp_path: Path) -> Iterator[Listener]:
    made = Listener(tmp_path / "docker.sock")
    yield made
    made.close()


def test_events_arrive_one_by_one_and_after_a_silence(
    listener: Listener, name: str, image: str, tmp_path: Path
) -> None:
    with filtered(name, image, tmp_path, listener.path) as before, socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(before.path))
        client.sendall(b"GET /v1.41/events HTTP/1.1\r\nHost: docker\r\n\r\n")
        until(lambda: listener.streams, "a stream at the engine")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 OK")
        for event in (b"first", b"second"):
            listener.send_event(event)
            assert event in client.recv(65536)
        silent(client, 3)
        listener.send_event(b"third")
        assert b"third" in client.recv(65536)
        listener.end_streams()
        while client.recv(65536):
            continue


def silent(client: socket.socket, seconds: float) -> None:
    client.settimeout(seconds)
    with pytest.raises(TimeoutError):
        client.recv(1)
    client.settimeout(5)


def test_a_missing_engine_is_reported_in_the_engines_own_form(
    listener: Listener, name: str, image: str, tmp_path: Path
) -> None:
    with filtered(name, image, tmp_path, listener.path) as before:
        listener.close()
        answer = say(before.path, b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 502 ")
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"].startswith("the engine does not answer")


def test_an_engine_that_recreates_its_socket_is_found_again(
    listener: Listener, name: str, image: str, tmp_path: Path
) -> None:
    """What is mounted is the old socket, which has no name any more, as long as the container lives."""
    ping = b"GET /_ping HTTP/1.1\r\nHost: docker\r\n\r\n"
    with filtered(name, image, tmp_path, listener.path) as before:
        assert Listener.ANSWER in say(before.path, ping)
        listener.close()
        listener.path.unlink()
        anew = Listener(listener.path)
        until(lambda: say_if_it_listens(before.path, ping), "an answer of the new one", 20)
        assert anew.received
        anew.close()


def say_if_it_listens(path: Path, request: bytes) -> bool:
    with contextlib.suppress(OSError):
        return Listener.ANSWER in say(path, request)
    return False
