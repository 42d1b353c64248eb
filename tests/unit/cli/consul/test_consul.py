"""How consul's own command line is started: what it is given, and what nobody else sees of the token."""

import os
import subprocess
from pathlib import Path

import pytest

from rollcall.cli.consul import consul

TOKEN = "8a9e5c4c-open-sesame"
# Stands in for the docker of a host: its container is this machine.
DOCKER = """#!/bin/sh
while [ "$1" != consul ]; do
  case $1 in --env=*) export "${1#--env=}" ;; esac
  shift
done
shift
exec "$@"
"""
CONSUL = """#!/bin/sh
[ "$1" = wait ] && { trap 'echo interrupted; exit 3' INT; echo waiting; while :; do read -r line; done; }
printf '%s|' "$@"
printf 'token=%s|' "$(cat "$CONSUL_HTTP_TOKEN_FILE")"
printf 'input=%s|' "$(cat)"
env -0 | tr '\\0\\n' '  '
"""


@pytest.fixture
def host(tmp_path: Path) -> dict[str, str]:
    """A machine with docker and consul, as its environment."""
    for name, text in (("docker", DOCKER), ("consul", CONSUL)):
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def test_consul_reads_token_and_input(host: dict[str, str]) -> None:
    command = ["sh", "-c", consul.inside("this", ["kv", "put", "a key", "-"])]
    said = subprocess.run(
        command, input=f"{TOKEN}\nfirst line\nlast", env=host, capture_output=True, text=True, check=True
    ).stdout
    arguments, _, rest = said.partition("token=")
    token, given, environment = rest.split("|", 2)
    assert arguments == "kv|put|a key|-|"
    assert token == TOKEN
    assert given == "input=first line\nlast"
    assert TOKEN not in environment
    assert TOKEN not in " ".join(command)


def test_an_interrupt_reaches_only_this_run(host: dict[str, str]) -> None:
    runs = [
        subprocess.Popen(
            # As docker starts it, also where these tests run in the background, where a shell has it ignore the signal.
            ["env", "--default-signal=INT", "sh", "-c", consul.inside(name, ["wait"])],
            env=host,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("this", "other")
    ]
    try:
        for run in runs:
            assert run.stdin is not None
            assert run.stdout is not None
            run.stdin.write(f"{TOKEN}\n")
            run.stdin.flush()
            assert run.stdout.readline() == "waiting\n"
        done = subprocess.run(["sh", "-c", consul.interrupt("this")], env=host, capture_output=True, check=True)
        assert done.stderr == b""
        assert runs[0].wait(10) == 3
        assert runs[1].poll() is None
    finally:
        for run in runs:
            run.kill()
            run.communicate()
