"""Run Rollcall's command line from this checkout."""

import subprocess
import sys
from pathlib import Path

from rollcall.errors import RollcallError

ROOT = Path(__file__).resolve().parent.parent


def rollcall(*arguments: str, code: int = 0) -> str:
    """Run a command; return what it printed. Raises RollcallError: another exit code, with the end of its output."""
    command = [sys.executable, "-m", "rollcall", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != code:
        end = "\n".join((done.stdout + done.stderr).splitlines()[-15:])
        raise RollcallError(f"rollcall {arguments[0]} exited with {done.returncode}, expected {code}:\n{end}")
    return done.stdout
