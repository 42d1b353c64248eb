"""The lab with the setting that allows chaos, and a run of it."""

from pathlib import Path

from deployed import LAB, PROJECT, rollcall


def allowing(folder: Path) -> str:
    """Write the lab's inventory, by the same file name so that it has the lab's secrets, with `chaos = True`."""
    (folder / "lab.py").write_text((PROJECT / LAB).read_text())
    (folder / "group_data").mkdir()
    (folder / "group_data" / "all.py").write_text("chaos = True\n")
    return str(folder / "lab.py")


def run(inventory: str, faults: str, seed: int, minutes: float = 0, at_once: int = 1) -> str:
    """Run faults, and return what was printed."""
    how = {"--faults": faults, "--seed": seed, "--minutes": minutes, "--at-once": at_once}
    return rollcall("chaos", inventory, *(str(word) for option in how.items() for word in option))
