"""A user's command goes to the first server whose agent runs, over SSH or locally."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rollcall.config.inventory import Host, Inventory
from rollcall.consul.pick_agent import pick_agent
from rollcall.errors import RollcallError

FIRST, SECOND = (
    Host(f"s{number}.invalid", "ssh", f"s{number}.invalid", groups=("consul_servers",)) for number in (1, 2)
)
CLIENT = Host("app1.invalid", "ssh", "app1.invalid", groups=("backends",))
LOCAL = Host("@local", "local", "127.0.0.1", groups=("consul_servers",))
# Every host is a program that runs instead of what ssh would run there.
SSH = '#!/bin/sh\nfor word; do [ -x "$0.$word" ] && exec "$0.$word"; done\necho "ssh: no route to host" >&2\nexit 255\n'

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Return a function that adds a program, a shell command, to the search path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def put(name: str, line: str) -> None:
        (tmp_path / name).write_text(line if line.startswith("#!") else f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)

    put("ssh", SSH)
    return put


def found(*hosts: Host) -> Host:
    return pick_agent("fleet.py", Inventory("fleet.py", Path(), hosts))


def test_the_first_server_that_runs_one(program: Program) -> None:
    program("ssh.s2.invalid", "echo true")
    program("ssh.app1.invalid", "echo true")
    assert found(CLIENT, FIRST, SECOND) == SECOND
    program("ssh.s1.invalid", "echo true")
    assert found(CLIENT, FIRST, SECOND) == FIRST


def test_without_a_server_among_the_chosen_another_host(program: Program) -> None:
    program("ssh.app1.invalid", "echo true")
    assert found(CLIENT) == CLIENT


@pytest.mark.parametrize(
    ("docker", "reason"),
    [
        ("echo false", "@local (its container does not run)"),
        ("echo 'Error: No such container: consul' >&2; exit 1", "@local (Error: No such container: consul)"),
    ],
)
def test_none_runs(program: Program, docker: str, reason: str) -> None:
    program("docker", docker)
    with pytest.raises(RollcallError) as refused:
        found(LOCAL)
    assert str(refused.value) == (f"no Consul agent runs on {reason}; deploy it: rollcall deploy fleet.py")


def test_no_host_responds_by_ssh(program: Program) -> None:
    with pytest.raises(RollcallError, match=r"s1\.invalid .* s2\.invalid .* do not respond by SSH"):
        found(FIRST, SECOND)
