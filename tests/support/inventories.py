"""Inventories of the lab with other settings."""

import shutil
from pathlib import Path

from deployed import LAB, PROJECT


def varied(folder: Path, front: str) -> str:
    """Make an inventory of the lab with other settings of the front."""
    shutil.copy(PROJECT / LAB, folder / "lab.py")
    (folder / "group_data").mkdir()
    usual = (PROJECT / "group_data" / "fronts.py").read_text()
    (folder / "group_data" / "fronts.py").write_text(f"{usual}\nfront = {{**front, {front}}}\n")
    return str(folder / "lab.py")
