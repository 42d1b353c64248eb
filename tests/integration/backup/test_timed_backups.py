"""The program that makes backups in time, beside a real Consul."""

import json
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import docker
import pytest
from docker.models.containers import Container
from own_components import check
from own_consul import OwnConsul, running
from removal import remove
from waiting import until

from rollcall.backup import snapshot, trial
from rollcall.components import backups
from rollcall.config.fleet import RawHost, nowhere
from rollcall.contract.backups import KEY, Record, parse
from rollcall.lab.dockerfile import local_name

IMAGE = local_name("hashicorp/consul:1.22.7")
QUIET = {"SERVICE_IGNORE": "true"}
Start = Callable[..., AbstractContextManager[Container]]


@pytest.fixture(scope="module")
def consul(engine: docker.DockerClient) -> Iterator[OwnConsul]:
    with running(OwnConsul, engine, QUIET) as agent:
        agent.api.kv.put("shop/greeting", "hello")
        yield agent


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "backups"
    made.mkdir(0o700)
    os.chown(made, 100, 1000)
    return made


@pytest.fixture
def start(engine: docker.DockerClient, consul: OwnConsul, folder: Path, tmp_path: Path) -> Iterator[Start]:
    """Run the program as a deploy does, every two seconds, until the block ends; keywords are further settings."""
    consul.api.kv.delete(KEY)
    host = RawHost(
        "app1",
        frozenset({"consul_servers"}),
        {"address": "127.0.0.1", "consul_server": {"backups": {"keep": 2}}},
    )
    member = check("here", [host], "app1", nowhere).servers[0]

    @contextmanager
    def started(**more: str) -> Iterator[Container]:
        configuration = tmp_path / "configuration"
        configuration.mkdir(exist_ok=True)
        own = {
            "DIRECTORY": str(folder),
            "EVERY": "2",
            "POLL": "1",
            "API": f"http://{consul.address}/v1",
            "RPC": consul.api.status.leader(),
        }
        deployed = backups.settings_file(member)
        (configuration / "settings").write_text(deployed + "".join(f"{k}={v}\n" for k, v in {**own, **more}.items()))
        (configuration / "backups.sh").write_text(backups.program_file())
        (configuration / "token").write_text(consul.management + "\n")
        mounts = {
            str(configuration): {"bind": backups.FOLDER, "mode": "ro"},
            str(folder): {"bind": str(folder), "mode": "rw"},
        }
        program = engine.containers.run(
            IMAGE,
            list(backups.COMMAND),
            detach=True,
            network_mode="host",
            user="100:1000",
            read_only=True,
            tmpfs={"/tmp": ""},
            cap_drop=["ALL"],
            volumes=mounts,
            labels=QUIET,
        )
        try:
            yield program
        finally:
            remove(program)

    yield started


def newest(consul: OwnConsul) -> Record | None:
    entry = consul.api.kv.get(KEY)[1]
    return parse(entry["Value"].decode()) if entry else None


def files(folder: Path) -> list[str]:
    return sorted(one.name for one in folder.iterdir())


def sleeps(program: Container) -> bool:
    """Whether it has looked, and waits until it looks again."""
    return any("sleep" in words[-1] for words in program.top()["Processes"])


def log(program: Container) -> str:
    return str(program.logs().decode())


def test_backups_are_whole_private_and_the_oldest_go(consul: OwnConsul, folder: Path, start: Start) -> None:
    with start() as program:
        until(lambda: newest(consul), "the first backup")
        first = newest(consul)
        assert first is not None
        path = Path(first.file)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        saved = snapshot.read(path.read_bytes(), "here")
        assert (saved.index, len(saved.data)) == (first.index, first.bytes)
        assert trial.restored(saved, IMAGE).keys == 1
        until(lambda: not path.exists(), "the removal of the oldest")
        until(lambda: len(files(folder)) == 2, "two files")
        assert path.name not in files(folder)
        assert f"{first.file}: {first.bytes} bytes, Consul's index {first.index}" in log(program)


def test_only_the_leader_makes_any_and_the_others_drop_old_ones(consul: OwnConsul, folder: Path, start: Start) -> None:
    old, other = folder / "consul-2020-01-01T000000Z.snapshot", folder / "before-1.22.7.snapshot"
    for file in (old, other):
        file.write_text("x")
    with start(RPC="10.0.0.9:8300") as program:
        until(lambda: sleeps(program), "a look")
        # Nobody has made a newer one.
        assert files(folder) == [other.name, old.name]
        record = Record(1790000000, "consul2", "/srv/x.snapshot", 1, 1)
        consul.api.kv.put(KEY, json.dumps(record.to_json()))
        until(lambda: files(folder) == [other.name], "the removal of an old one")
        assert newest(consul) == record
        assert log(program) == ""


def test_what_fails_is_said_once_leaves_nothing_and_mends_itself(
    consul: OwnConsul, folder: Path, tmp_path: Path, start: Start
) -> None:
    of_deploy = "before-1.22.7-2026-11-30T000000Z.snapshot.part"
    (folder / of_deploy).write_text("a deploy saves this now")
    (folder / "consul-2026-11-30T000000Z.snapshot.part").write_text("of a program that was killed")
    folder.chmod(0o500)
    with start() as program:
        until(lambda: log(program), "a reason")
        until(lambda: sleeps(program), "a pause")
        until(lambda: not sleeps(program), "another look")
        until(lambda: sleeps(program), "its end")
        assert log(program).count("no backup: Consul gives no snapshot, or") == 1
        folder.chmod(0o700)
        until(lambda: newest(consul), "a backup")
        token = tmp_path / "configuration" / "token"
        token.write_text("00000000-0000-0000-0000-000000000000\n")
        until(lambda: "Consul does not respond" in log(program), "a refused token")
        assert [name for name in files(folder) if name.endswith(".part")] == [of_deploy]
        before = newest(consul)
        token.write_text(consul.management + "\n")
        until(lambda: newest(consul) != before, "a backup by the new token")
