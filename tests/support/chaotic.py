"""The lab with the setting that allows chaos, and a run of it."""

from pathlib import Path

from deployed import LAB, PROJECT, rollcall


def allowing(folder: Path) -> str:
    """Write the lab's inventory, by the same file name so that it has the lab's secrets, with `chaos = True`."""
    (folder / "lab.py").write_text((PROJECT / LAB).read_text())
    (folder / "group_data").mkdir()
    (folder / "group_data" / "all.py").write_text("chaos = True\n")
    return str(folder / "lab.py")


def run(inventory: str, faults: str, seed: int, minutes: float = 0, code: int = 0) -> str:
    """Run faults, and return what was printed."""
    return rollcall("chaos", inventory, "--faults", faults, "--seed", str(seed), "--minutes", str(minutes), code=code)
