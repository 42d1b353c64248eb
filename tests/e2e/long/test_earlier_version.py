"""A fleet that an earlier version of Rollcall deployed is taken over by this one under 32 keep-alive clients."""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, wait_for
from keep_alive_load import Load
from lab_command import UP

from rollcall.lab.layout import HOSTS

# Version 0.3.0. A checkout without its history (`git clone --depth`) cannot run this.
EARLIER = "bd3eb63"
FRONT_PORT = HOSTS[5].published[0].machine


def do(folder: Path, *argv: str) -> str:
    """Run a command there, in none of this test's virtual environments."""
    environment = {name: value for name, value in os.environ.items() if name not in ("VIRTUAL_ENV", "PYTHONPATH")}
    done = subprocess.run(
        argv, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A checkout of the earlier version, installed."""
    folder = tmp_path / "earlier"
    do(tmp_path, "git", "clone", "--quiet", "--no-checkout", str(PROJECT), str(folder))
    do(folder, "git", "checkout", "--quiet", EARLIER)
    do(folder, "make", ".venv/installed")
    return folder


@pytest.fixture
def project(earlier: Path, tmp_path: Path) -> Iterator[Path]:
    """The project of a user whose fleet the earlier version deployed: its secrets, and the files of this one."""
    rollcall(*UP)
    rollcall("remove", LAB, "--yes")
    command = str(earlier / ".venv" / "bin" / "rollcall")
    do(earlier, command, "lab", "up")
    do(earlier, command, "deploy", LAB)
    folder = tmp_path / "project"
    for name in ("inventories", "group_data"):
        shutil.copytree(PROJECT / name, folder / name)
    shutil.copy(PROJECT / "deploy.py", folder)
    shutil.copytree(earlier / ".secrets", folder / ".secrets")
    # The images of this version.
    rollcall(*UP)
    yield folder
    rollcall("--project", str(folder), "remove", str(folder / LAB), "--yes")


def containers(fleet: Fleet) -> dict[str, set[str]]:
    return {host: set(fleet.on(host, "docker ps --quiet --no-trunc").split()) for host in fleet.hosts}


def test_it_is_taken_over_without_a_lost_request(project: Path, says: Callable[[str], None]) -> None:
    of_it = ("--project", str(project))
    inventory = str(project / LAB)
    fleet = Fleet()
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    before = containers(fleet)
    load = Load(FRONT_PORT)
    started = time.monotonic()
    with load.running():
        rollcall(*of_it, "deploy", inventory)
        seconds = time.monotonic() - started
        wait_for("answer of every backend", lambda: answering() == BACKENDS)
    says(f"taken over in {seconds:.0f} s; {load.requests} requests, broken: {load.broken}")
    assert load.broken == {}
    after = containers(fleet)
    assert all(before[host] - after[host] for host in fleet.hosts), "the earlier version's containers still run"
    assert "nothing had to change" in rollcall(*of_it, "deploy", inventory)
    assert "✗" not in rollcall(*of_it, "verify", inventory)
