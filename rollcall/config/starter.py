"""The project that `rollcall init` writes: an inventory, settings, deploy.py, and a README, all commented."""

from collections.abc import Mapping
from pathlib import Path

from rollcall.config import project
from rollcall.errors import RollcallError

_STARTER = project.PACKAGE / "starter"
_NAME = "{{ name }}"


def files(name: str) -> Mapping[str, str]:
    """Return the text of every file by its path in the project."""
    # An installer may have compiled the starter's Python files: a cache is no part of a project.
    paths = [path for path in sorted(_STARTER.rglob("*.*")) if path.parent.name != "__pycache__"]
    found = {str(path.relative_to(_STARTER)): path.read_text("utf-8") for path in paths}
    found[".gitignore"] = (_STARTER / "gitignore").read_text("utf-8")
    found["deploy.py"] = (project.shipped(".") / "deploy.py").read_text("utf-8")
    return {path: text.replace(_NAME, name) for path, text in found.items()}


def write(folder: Path) -> tuple[str, ...]:
    """Write the project and return its paths; nothing that exists is overwritten.

    Raises:
        RollcallError: the folder holds one of the files already, or cannot be written.
    """
    wanted = files(folder.resolve().name)
    if taken := [path for path in wanted if (folder / path).exists()]:
        raise RollcallError(f"{folder / taken[0]} exists; expected a new folder, since init overwrites nothing")
    try:
        for path, text in wanted.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            with (folder / path).open("x", encoding="utf-8") as file:
                file.write(text)
    except OSError as problem:
        raise RollcallError(f"{problem.filename or folder}: cannot be written: {problem.strerror}") from None
    return tuple(wanted)
