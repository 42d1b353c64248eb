"""The directory that an image is built from: its Dockerfile and what that needs, brought together."""

import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from platform import machine
from tempfile import TemporaryDirectory

from rollcall.lab import cached, catalogue, command, dockerfile, go, progress
from rollcall.lab.catalogue import Recipe

_PYTHON = "3.13"
_LOCK = "requirements.lock"


@contextmanager
def prepared(recipe: Recipe) -> Iterator[Path]:
    """Give a directory ready for `docker build`, for as long as the block lasts.

    Raises:
        RollcallError: something that belongs into it cannot be had.
    """
    with TemporaryDirectory(prefix="rollcall-lab-") as temporary:
        directory = Path(temporary)
        _copy(recipe.directory, directory)
        (directory / "Dockerfile").write_text(dockerfile.localised(recipe.dockerfile, catalogue.NAMES))
        for part in recipe.sources:
            _copy(catalogue.source(part), directory / part)
        if recipe.binary:
            shutil.copy2(go.build(recipe.binary), directory / recipe.binary.name)
        if recipe.wheels:
            _copy(_wheels(recipe.directory / _LOCK), directory / "wheels")
        yield directory


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _wheels(lock: Path) -> Path:
    return cached.get(
        f"wheels-{cached.key([_PYTHON, machine(), lock.read_bytes()])}", lambda path: _download(lock, path)
    )


def _download(lock: Path, path: Path) -> None:
    image = lock.parent.name
    with progress.part(f"Fetching the Python packages of the {image}"):
        pip = [sys.executable, "-m", "pip", "download", "-q", "--require-hashes", "--only-binary=:all:"]
        command.run(
            [*pip, "--python-version", _PYTHON, "--dest", str(path), "-r", str(lock)],
            doing=f"fetch the Python packages of the {image}",
        )
