"""`rollcall` run as a user does, and the containers of the lab."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from typing import Any

from rollcall.config.project import CHECKOUT

PROJECT = CHECKOUT

# Docker Engines that hosts take in turn, as `make e2e ENGINES=20.10,newest` sets them.
ENGINES = [engine for engine in os.environ.get("ENGINES", "").split(",") if engine]
UP = ("lab", "up", *([f"--engines={','.join(ENGINES)}"] if ENGINES else []))

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


def containers() -> list[dict[str, Any]]:
    """Inspect every container of the lab on the machine's engine."""
    names = subprocess.check_output(["docker", "ps", "-aq", "--filter", "label=rollcall.lab=1"], text=True).split()
    found: list[dict[str, Any]] = json.loads(subprocess.check_output(["docker", "inspect", *names], text=True))
    return found
