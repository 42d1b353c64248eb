"""Inside pyinfra: the lock is asked for once, only by a run that changes something, before its first change."""

import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = """
from pyinfra import logger
from pyinfra.operations import server
from rollcall.deploy import lock, operations, readiness

def take():
    logger.info("TAKEN")
    lock._this_run.refused = {refused}

lock._take = take
lock.hold(name=lock.NAME)
operations.hold_without_images(name=operations.EVERY_HOST_HAS_ITS_IMAGES, lacking=set())
operations.wait(name=readiness.CONSUL_IS_READY, readiness=None, due=lambda: False)
operations.barrier(name=operations.CLIENTS_COME_AFTER_SERVERS)
if {changes}:
    server.shell(name="Change", commands=["echo changed >>{file}"])
"""


def run(folder: Path, *options: str, refused: bool = False, changes: bool = True) -> "subprocess.CompletedProcess[str]":
    (folder / "inventory.py").write_text('consul_servers = ["@local"]\n')
    (folder / "deploy.py").write_text(DEPLOY.format(refused=refused, changes=changes, file=folder / "file"))
    command = [sys.executable, "-m", "pyinfra", "inventory.py", "deploy.py", *options]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def test_a_refused_deploy_changes_nothing(tmp_path: Path) -> None:
    done = run(tmp_path, "-y", refused=True)
    assert done.returncode != 0
    assert "Traceback" not in done.stdout
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(("options", "changes", "taken"), [(["-y"], True, 1), (["-y"], False, 0), (["--dry"], True, 0)])
def test_only_a_run_that_changes_something_takes_it(
    tmp_path: Path, options: list[str], changes: bool, taken: int
) -> None:
    done = run(tmp_path, *options, changes=changes)
    assert done.returncode == 0, done.stdout
    assert done.stdout.count("TAKEN") == taken
