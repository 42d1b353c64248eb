"""Files on this machine that settings name: relative to the project, from whatever folder a command runs in."""

from pathlib import Path

from rollcall.errors import RollcallError

_project: list[Path] = []


def relative_to(project: Path) -> None:
    """Look for files of this project from now on."""
    _project[:] = [project]


def found(path: str) -> Path:
    """Say where a setting's file is looked for; without a project, in the current folder."""
    return (_project[0] if _project else Path.cwd()) / Path(path).expanduser()


def read_ascii(path: str, start: str, otherwise: str) -> str:
    """Read a setting's file.

    Args:
        path: the setting's value.
        start: how the sentence begins, with key and value.
        otherwise: what the file is if it is not ASCII, such as "it is not PEM".

    Raises:
        RollcallError: it cannot be read.
    """
    try:
        return found(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else otherwise
        raise RollcallError(f"{start}, but {found(path)} cannot be read: {reason}") from None
