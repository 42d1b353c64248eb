"""The lab with the setting that allows chaos, a run of it, and whether all is right after one."""

import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from deployed import LAB, PROJECT, rollcall


def allowing(folder: Path) -> str:
    """Write the lab's inventory, by the same file name so that it has the lab's secrets, with `chaos = True`."""
    (folder / "lab.py").write_text((PROJECT / LAB).read_text())
    (folder / "group_data").mkdir()
    (folder / "group_data" / "all.py").write_text("chaos = True\n")
    return str(folder / "lab.py")


def run(inventory: str, faults: Collection[str], seed: int, *options: str) -> str:
    """Run faults, and return what was printed."""
    return rollcall("chaos", inventory, "--faults", ",".join(faults), "--seed", str(seed), *options)


def well() -> bool:
    """Whether `rollcall status` finds nothing wrong."""
    argv = [sys.executable, "-m", "rollcall", "status", LAB, "--check"]
    return subprocess.run(argv, cwd=PROJECT, capture_output=True, check=False).returncode == 0
