"""Assemble the directory that an image is built from: its Dockerfile and everything that it needs."""

import importlib.util
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from rollcall import command
from rollcall.images import cached, catalogue
from rollcall.images.catalogue import Recipe

# The version in the Dockerfiles.
_PYTHON = "3.13"
_LOCK = "requirements.lock"
# pip's name of each architecture by the engine's; other architectures get no wheels from here.
_MACHINES = {"amd64": "x86_64", "arm64": "aarch64"}
_LIBC = ("manylinux2014", "manylinux_2_17", "manylinux_2_28", "manylinux_2_34")


@contextmanager
def prepared(
    recipe: Recipe,
    architecture: str,
    *,
    adapt: Callable[[str], str] = str,
    programs: Mapping[str, Path] | None = None,
) -> Iterator[Path]:
    """Provide a directory for `docker build` while the block runs.

    Args:
        recipe: the contents.
        architecture: of the image, as Docker names it.
        adapt: changes the Dockerfile's text.
        programs: files to put beside the Dockerfile, by their names there.

    Raises:
        RollcallError: a part of the contents cannot be fetched.
    """
    with TemporaryDirectory(prefix="rollcall-") as temporary:
        directory = Path(temporary)
        _copy(recipe.directory, directory)
        (directory / "Dockerfile").write_text(adapt(recipe.dockerfile))
        for part in recipe.sources:
            _copy(catalogue.source(part), directory / part)
        for name, program in (programs or {}).items():
            shutil.copy2(program, directory / name)
        if recipe.wheels:
            _add_wheels(recipe.directory / _LOCK, architecture, directory / "wheels")
        yield directory


def _copy(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
    else:
        shutil.copy2(source, target)


def _add_wheels(lock: Path, architecture: str, target: Path) -> None:
    """Download the packages into the directory; without pip here, leave it empty for the container's own pip."""
    target.mkdir()
    if architecture in _MACHINES and importlib.util.find_spec("pip"):
        _copy(_wheels(lock, _MACHINES[architecture]), target)


def _wheels(lock: Path, machine: str) -> Path:
    return cached.get(
        f"wheels-{cached.key([_PYTHON, machine, lock.read_bytes()])}", lambda path: _download(lock, machine, path)
    )


def _download(lock: Path, machine: str, path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "download", "-q", "--require-hashes", "--only-binary=:all:"]
    platforms = [f"--platform={libc}_{machine}" for libc in _LIBC]
    command.run(
        [*pip, f"--python-version={_PYTHON}", *platforms, f"--dest={path}", "-r", str(lock)],
        doing=f"fetch the Python packages of the {lock.parent.name}",
    )
