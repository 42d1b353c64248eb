"""Cache files that are slow to make: one per key, and never incomplete."""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from pathlib import Path

_KEY_LENGTH = 16
_BASE = os.environ.get("XDG_CACHE_HOME", "")
# The XDG base directory specification: programs must ignore a relative path.
CACHE = (Path(_BASE) if _BASE.startswith("/") else Path.home() / ".cache") / "rollcall"
"""Files that are slow to make and the same for every lab, fleet and checkout."""


def key(parts: Iterable[str | bytes]) -> str:
    """Return a short digest that changes with any of the parts, their order and their boundaries."""
    digest = hashlib.sha256()
    for part in parts:
        content = part.encode() if isinstance(part, str) else part
        digest.update(f"{len(content)}:".encode() + content)
    return digest.hexdigest()[:_KEY_LENGTH]


def tree_key(directory: Path) -> str:
    """Return the key of a directory: its files' names, contents and execute bits, without Python's caches."""
    return key(part for path in _files(directory) for part in _file_parts(path, directory))


def _files(directory: Path) -> list[Path]:
    files = (path for path in directory.rglob("*") if path.is_file())
    return sorted(path for path in files if "__pycache__" not in path.parts)


def _file_parts(path: Path, root: Path) -> tuple[str | bytes, ...]:
    return str(path.relative_to(root)), str(os.access(path, os.X_OK)), path.read_bytes()


def get(name: str, make: Callable[[Path], None]) -> Path:
    """Return the cached file or directory of that name; `make` writes a missing one to the given path.

    An interrupted run leaves at most a path that ends in `.part`, which the next run removes.
    """
    path = CACHE / name
    if not path.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_name(path.name + ".part")
        remove(unfinished)
        make(unfinished)
        unfinished.rename(path)
    return path


def remove(path: Path) -> None:
    """Remove a file, or a directory with its contents, if it exists."""
    if path.is_dir() and not path.is_symlink():
        _make_writable(path)
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _make_writable(directory: Path) -> None:
    # Go makes the directories of its module cache read-only, so that only root can remove them.
    for path in (directory, *(path for path in directory.rglob("*") if path.is_dir() and not path.is_symlink())):
        path.chmod(0o700)
