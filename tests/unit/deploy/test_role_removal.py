"""Inside pyinfra: a role is removed only with consent, and a dry run prints that first."""

import subprocess
import sys
from pathlib import Path

import pytest

DEPLOY = """
from pyinfra import logger
from rollcall.deploy import role_removal
role_removal.begin()
logger.info("create file /etc/rollcall/x")
role_removal.look(lambda: ["@local leaves fronts: this deploy removes its container front"])
print("PREPARED")
"""
SENTENCE = "@local leaves fronts: this deploy removes its container front"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "inventory.py").write_text('consul_servers = ["@local"]\n')
    (tmp_path / "deploy.py").write_text(DEPLOY)
    return tmp_path


def pyinfra(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyinfra", "inventory.py", "deploy.py", *options]
    return subprocess.run(command, cwd=project, capture_output=True, text=True, check=False)


def test_it_is_rejected_before_any_change(project: Path) -> None:
    done = pyinfra(project, "-y")
    assert done.returncode != 0
    assert SENTENCE in done.stderr
    assert "`rollcall deploy --yes` (pyinfra: --data remove_roles=true)" in done.stderr
    assert "PREPARED" not in done.stdout


def test_a_dry_run_prints_it_first(project: Path) -> None:
    done = pyinfra(project, "--dry")
    assert done.returncode == 0
    assert done.stderr.index(SENTENCE) < done.stderr.index("create file")


def test_with_consent_it_continues(project: Path) -> None:
    done = pyinfra(project, "-y", "--data", "remove_roles=true")
    assert done.returncode == 0, done.stderr
    assert "PREPARED" in done.stdout
