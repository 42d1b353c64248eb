"""The lab itself, up; whatever is deployed on it stays."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

PROJECT = Path(__file__).parents[2]

Rollcall = Callable[..., subprocess.CompletedProcess[str]]


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run `rollcall` as a user does."""
    return subprocess.run(
        [sys.executable, "-c", "from rollcall.cli.main import main; main()", *arguments],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="session")
def rollcall() -> Rollcall:
    return run


@pytest.fixture(scope="session")
def lab(rollcall: Rollcall) -> None:
    done = rollcall("lab", "up")
    assert done.returncode == 0, done.stdout + done.stderr


def containers() -> list[dict[str, Any]]:
    """Inspect every container of the lab on the machine's engine."""
    names = subprocess.check_output(["docker", "ps", "-aq", "--filter", "label=rollcall.lab=1"], text=True).split()
    found: list[dict[str, Any]] = json.loads(subprocess.check_output(["docker", "inspect", *names], text=True))
    return found
