"""Running a command on a host, and its result."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.remote import run
from rollcall.remote.run import Shell

HERE = Host("@local", "local", "127.0.0.1")
THERE = Host("web1", "ssh", "web1.example.net", user="admin")
SUDO = {"_sudo": True}

Program = Callable[[str, str], None]


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Return a function that adds a program, a shell script, to the search path."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    def put(name: str, text: str) -> None:
        (tmp_path / name).write_text(f"#!/bin/sh\n{text}\n")
        (tmp_path / name).chmod(0o755)

    return put


def test_arguments_stay_separate_over_ssh() -> None:
    assert Shell(THERE).arguments("docker exec 'a b' $x")[-1] == """sh -c 'docker exec '"'"'a b'"'"' $x'"""
    assert Shell(HERE).arguments("docker 'a b'") == ["sh", "-c", "docker 'a b'"]


def test_sudo_never_prompts_and_runs_the_whole_line() -> None:
    there = Host("web1", "ssh", "web1.example.net", data=SUDO)
    assert Shell(there).arguments("a | b")[-1] == "sudo -H -n sh -c 'a | b'"
    assert Shell(there, as_root=False).arguments("a | b")[-1] == "sh -c 'a | b'"
    here = Host("@local", "local", "127.0.0.1", data=SUDO)
    assert Shell(here).arguments("a | b") == ["sudo", "-H", "-n", "sh", "-c", "a | b"]


def test_input_output_and_code_are_the_commands_own() -> None:
    result = Shell(HERE).run("cat; printf 'a\\r\\n'; echo why >&2; exit 3", "given ")
    assert (result.code, result.output, result.errors) == (3, "given a\r\n", "why\n")
    assert result.reason == "why"


@pytest.mark.parametrize(
    ("command", "reason"), [("echo no >&2; false", "no"), ("echo no; false", "no"), ("exit 7", "exit code 7")]
)
def test_a_command_that_fails(command: str, reason: str) -> None:
    with pytest.raises(RollcallError, match=f"^on @local: {reason}$"):
        Shell(HERE).read(command)


def test_a_command_that_does_not_end() -> None:
    with pytest.raises(RollcallError, match=r"@local did not respond within 0\.1 s"):
        Shell(HERE).run("exec sleep 60", timeout_seconds=0.1)


def test_a_host_that_ssh_does_not_reach(program: Program) -> None:
    program("ssh", "echo 'ssh: connect to host web1: No route to host.' >&2; exit 255")
    with pytest.raises(RollcallError, match=r"ssh to web1 failed: .*No route to host; try `ssh admin@web1\."):
        Shell(THERE).run("true")


def test_a_rejection_by_sudo_is_not_a_failure_of_the_command(program: Program) -> None:
    program("sudo", "echo 'sudo: a password is required' >&2; exit 1")
    with pytest.raises(RollcallError, match=r"@local: sudo rejects the user .*; expected `the user ALL"):
        Shell(Host("@local", "local", "127.0.0.1", data=SUDO)).run("true")


def test_a_shared_connection_is_ended(program: Program, tmp_path: Path) -> None:
    log = tmp_path / "log"
    program("ssh", f'echo "$@" >>{log}')
    with run.connected(THERE, str(tmp_path)) as shell:
        shell.read("true")
    made, ended = log.read_text().splitlines()
    assert f"-o ControlPath={tmp_path}/%C" in made
    assert made.endswith("sh -c true")
    assert ended.startswith("-O exit")
    assert f"-o ControlPath={tmp_path}/%C" in ended
