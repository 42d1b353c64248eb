"""Shells complete commands, options and files, as docs/command-line.md says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from rollcall.config.project import CHECKOUT

DOCS = (CHECKOUT / "docs" / "command-line.md").read_text()


@pytest.fixture
def rollcall(tmp_path: Path) -> Path:
    """A command of that name in a directory of its own, as an installation makes it."""
    program = tmp_path / "rollcall"
    program.write_text(f"#!{sys.executable}\nfrom rollcall.__main__ import main\nmain()\n")
    program.chmod(0o755)
    return program


def complete(rollcall: Path, shell: str, *words: str) -> list[str]:
    """Ask as click's own script for that shell does."""
    environment = {"COMP_WORDS": f"rollcall {' '.join(words)}", "COMP_CWORD": str(len(words))}
    if shell == "fish":
        environment["COMP_CWORD"] = words[-1]
    done = subprocess.run(
        [rollcall],
        env={**os.environ, **environment, "_ROLLCALL_COMPLETE": f"{shell}_complete"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr == ""
    return done.stdout.splitlines()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_commands_options_and_files_are_completed(rollcall: Path, shell: str) -> None:
    assert any("status" in line for line in complete(rollcall, shell, "stat"))
    assert any("--limit" in line for line in complete(rollcall, shell, "status", "--li"))
    assert any(line.startswith("file") for line in complete(rollcall, shell, "status", "inv"))
    assert any("--project" in line for line in complete(rollcall, shell, "--pro"))


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_documented_line_gives_the_shells_script(rollcall: Path, shell: str) -> None:
    line = f"_ROLLCALL_COMPLETE={shell}_source rollcall"
    assert line in DOCS
    environment = {**os.environ, "PATH": f"{rollcall.parent}:{os.environ['PATH']}"}
    script = subprocess.run(["sh", "-c", line], env=environment, capture_output=True, text=True, check=True).stdout
    assert f"_ROLLCALL_COMPLETE={shell}_complete" in script
    if shutil.which(shell):
        subprocess.run([shell, "-n"], input=script, text=True, check=True)


def test_bash_itself_completes_a_command(rollcall: Path) -> None:
    """The whole way: the documented line, then what a TAB does."""
    environment = {**os.environ, "PATH": f"{rollcall.parent}:{os.environ['PATH']}"}
    types = (
        'eval "$(_ROLLCALL_COMPLETE=bash_source rollcall)"; COMP_WORDS=(rollcall undr); COMP_CWORD=1; '
        '_rollcall_completion rollcall; echo "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", types], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "undrain\n"
