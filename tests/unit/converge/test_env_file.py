"""An env-file that lives as long as its command, run by a shell."""

import base64
import subprocess
from pathlib import Path

import pytest

from rollcall.converge import env_file

ENVIRONMENT = (("PASSWORD", 'it\'s $HOME `x` "y" ä'), ("KEY", "#1 = two "))


@pytest.fixture(autouse=True)
def memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(env_file, "_FILE", str(tmp_path / "rollcall-env"))
    return tmp_path


def run(command: str, stdin: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, text=True, check=False)


def test_the_command_reads_the_file_and_nobody_else_afterwards(memory: Path) -> None:
    done = run(env_file.wrapped('stat -c %a "$env"; cat "$env"; false'), env_file.content(ENVIRONMENT))
    mode, *lines = done.stdout.splitlines()
    assert (mode, done.returncode) == ("600", 1)
    assert lines == ['PASSWORD=it\'s $HOME `x` "y" ä', "KEY=#1 = two ", "# complete"]
    assert list(memory.iterdir()) == []


def test_a_connection_that_was_lost_runs_nothing(memory: Path) -> None:
    whole = base64.b64decode(env_file.content(ENVIRONMENT))
    for length in range(0, len(whole) - 1, 7):
        done = run(env_file.wrapped("echo ran"), base64.b64encode(whole[:length]).decode())
        assert (done.stdout, done.returncode) == ("", 1), length
        assert done.stderr.strip() == "the connection was lost"
    assert list(memory.iterdir()) == []


def test_a_command_that_is_ended_leaves_no_file(memory: Path) -> None:
    done = run(env_file.wrapped("kill -TERM $$"), env_file.content(ENVIRONMENT))
    assert done.returncode == 1
    assert list(memory.iterdir()) == []


def test_what_an_env_file_cannot_hold() -> None:
    assert env_file.holds("a" * env_file.LONGEST)
    assert not any(map(env_file.holds, ("a\nb", "a\r", "ä" * env_file.LONGEST)))
