"""A real Debian machine for each release, and a project of a user who deploys to it."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from machine_user import User

from rollcall.lab.machines import disk
from rollcall.lab.machines.machine import running


@pytest.fixture(scope="session", params=disk.SUITES)
def user(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[User]:
    suite: str = request.param
    disk.get(suite)
    subprocess.run([sys.executable, "-m", "rollcall", "lab", "images", "--for-demo"], check=True)
    project = tmp_path_factory.mktemp("user") / "fleet"
    subprocess.run([sys.executable, "-m", "rollcall", "init", str(project)], check=True)
    started = time.monotonic()
    with running(suite, tmp_path_factory.mktemp(suite)) as machine:
        found = User(machine, project)
        found.figures["boot"] = time.monotonic() - started
        machine.wait_for("docker version")
        yield found
    capture = request.config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        figures = ", ".join(f"{what} {seconds:.0f} s" for what, seconds in found.figures.items())
        sys.stdout.write(f"\n{suite}: {figures}\n")
