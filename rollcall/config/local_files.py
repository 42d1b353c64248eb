"""Files on this machine that settings name: relative to the project, from whatever folder a command runs in."""

from pathlib import Path

_project: list[Path] = []


def relative_to(project: Path) -> None:
    """Look for files of this project from now on."""
    _project[:] = [project]


def found(path: str) -> Path:
    """Say where a setting's file is looked for; without a project, in the current folder."""
    return (_project[0] if _project else Path.cwd()) / Path(path).expanduser()
