"""Read from disk what a backup holds of this machine, and write it back."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

from rollcall.errors import RollcallError
from rollcall.secrets.private_directory import PrivateDirectory, complete_files

_PARTIAL = ".partial"
# Of a project, besides the inventory itself: what the next deploy of the same settings needs.
_FILES, _FOLDERS = ("deploy.py", "remove.py", "release.py"), ("group_data", "templates")


def secrets(folder: Path) -> dict[str, bytes]:
    """Return the files of a secrets folder by their paths in it. Raises RollcallError: one cannot be read."""
    return _read({str(file.relative_to(folder)): file for file in complete_files(folder, "**/*") if file.is_file()})


def settings(root: Path, inventory: Path) -> dict[str, bytes]:
    """Return the settings of an inventory by their paths in the project: itself, group data, deploy.py, templates."""
    return _read(dict(_settings(root.resolve(), inventory.resolve())))


def _settings(root: Path, inventory: Path) -> Iterator[tuple[str, Path]]:
    if inventory.is_file():
        inside = inventory.is_relative_to(root)
        yield (str(inventory.relative_to(root)) if inside else f"inventories/{inventory.name}"), inventory
    yield from ((name, root / name) for name in _FILES if (root / name).is_file())
    folders = {root / name: name for name in _FOLDERS}
    beside = inventory.parent / "group_data"
    folders.setdefault(
        beside, str(beside.relative_to(root)) if beside.is_relative_to(root) else "inventories/group_data"
    )
    for folder, name in folders.items():
        files = sorted(file for file in folder.glob("**/*") if file.is_file() and "__pycache__" not in file.parts)
        yield from ((f"{name}/{file.relative_to(folder)}", file) for file in files)


def _read(files: Mapping[str, Path]) -> dict[str, bytes]:
    found = {}
    for name, file in files.items():
        try:
            found[name] = file.read_bytes()
        except OSError as problem:
            raise RollcallError(f"{file}: {(problem.strerror or str(problem)).lower()}") from None
    return found


def write_secrets(folder: Path, files: Mapping[str, bytes], last: str) -> None:
    """Write a secrets folder that is not there yet, the file `last` at its end: it marks the folder as complete.

    Raises:
        RollcallError: it cannot be written.
    """
    for name, content in sorted(files.items(), key=lambda item: item[0] == last):
        path = Path(name)
        directory = PrivateDirectory(folder)
        # One level at a time, so that each is private.
        for part in path.parts[:-1]:
            directory = PrivateDirectory(directory.path / part)
        directory.write(path.name, content.decode())


def write_settings(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write settings into a folder that has no other files, so that an interrupted restore may be repeated.

    Raises:
        RollcallError: it has other files, or cannot be written.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if others := _others(folder, files):
            raise RollcallError(f"{folder}: has files, such as {others[0]}; expected an empty folder, or a new one")
        for name, content in files.items():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_name(f"{file.name}{_PARTIAL}")
            partial.write_bytes(content)
            partial.replace(file)
    except OSError as problem:
        raise RollcallError(f"{folder}: {(problem.strerror or str(problem)).lower()}") from None


def _others(folder: Path, files: Mapping[str, bytes]) -> list[str]:
    """Return what is in the folder and does not come from an interrupted restore of these files."""
    found = {str(file.relative_to(folder)): file for file in sorted(folder.glob("**/*")) if not file.is_dir()}
    return [
        name
        for name, file in found.items()
        if name.removesuffix(_PARTIAL) not in files or (name in files and file.read_bytes() != files[name])
    ]


def write(file: Path, data: bytes) -> None:
    """Write a backup, private from its first byte, whole or not at all. Raises RollcallError: it cannot be written."""
    partial = file.with_name(f"{file.name}{_PARTIAL}")
    try:
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
            opened.write(data)
            opened.flush()
            os.fsync(opened.fileno())
        partial.replace(file)
    except OSError as problem:
        partial.unlink(missing_ok=True)
        raise RollcallError(f"{file}: {(problem.strerror or str(problem)).lower()}") from None


def read(file: Path) -> bytes:
    """Read a backup. Raises RollcallError: it cannot be read."""
    return _read({"": file})[""]
