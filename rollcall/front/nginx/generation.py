"""Generations of nginx's configuration on the volume.

A generation is a directory with one complete configuration:

    nginx.conf, tls    copies of the mounted ones
    sites.conf         made from the catalog, as is streams.conf
    catalog.json       the catalog that it was made from; kept.json has the retained instances
    generation.conf    responds with the generation's number, which shows whether its workers serve

nginx always starts and checks a generation's own nginx.conf, which includes its neighbours by relative paths: nginx
loads exactly what it checked. The link `current` points to the last generation that nginx accepted.
"""

import filecmp
import shutil
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Literal

from rollcall.front.nginx.server_lines import differ_in_servers_alone

_PREFIX = "generation."
# The files of Contents, in its order.
_WRITTEN = ("sites.conf", "streams.conf", "catalog.json", "kept.json")
# Files that make no difference to nginx.
_ASIDE = frozenset({"generation.conf", "catalog.json", "kept.json"})

# What is different for nginx: nothing, only the servers of upstreams, or more.
Difference = Literal["nothing", "servers", "more"]


@dataclass(frozen=True)
class Contents:
    """The part of a generation that the program itself writes."""

    sites: str
    streams: str
    catalog: str
    kept: str


@dataclass(frozen=True)
class Generations:
    """The generations in the directory `state`, made from the mounted files in `configuration`."""

    state: Path
    configuration: Path

    def directory(self, number: int) -> Path:
        """Return the directory of a generation, whether it exists or not."""
        return self.state / f"{_PREFIX}{number}"

    @property
    def link(self) -> Path:
        """Return the link to the current generation."""
        return self.state / "current"

    def current(self) -> int:
        """Return the current generation's number; 0 before the first."""
        try:
            number = self.link.readlink().name.removeprefix(_PREFIX)
        except FileNotFoundError:
            return 0
        return int(number) if number.isdigit() else 0

    def build(self, number: int, contents: Contents) -> None:
        """Write a generation.

        Raises:
            OSError: the volume is full, or a mounted file is missing.
        """
        directory = self.directory(number)
        self.remove(number)
        directory.mkdir()
        shutil.copyfile(self.configuration / "nginx.conf", directory / "nginx.conf")
        tls = directory / "tls"
        tls.mkdir(0o700)
        for file in (self.configuration / "tls").iterdir():
            shutil.copyfile(file, tls / file.name)
            (tls / file.name).chmod(0o600)
        for name, text in zip(_WRITTEN, astuple(contents), strict=True):
            (directory / name).write_text(text)
        (directory / "generation.conf").write_text(f'return 200 "{number}\\n";\n')

    def contents(self, number: int) -> Contents | None:
        """Read what the program wrote into a generation; None if it is incomplete."""
        directory = self.directory(number)
        try:
            # Before 0.6 a generation had no streams.
            streams = (directory / "streams.conf").read_text() if (directory / "streams.conf").exists() else ""
            sites, catalog, kept = (
                (directory / name).read_text() for name in ("sites.conf", "catalog.json", "kept.json")
            )
            return Contents(sites, streams, catalog, kept)
        except (OSError, UnicodeDecodeError):
            return None

    def difference(self, one: int, other: int) -> Difference:
        """Return what is different for nginx between two generations."""
        try:
            different = list(_different(self.directory(one), self.directory(other)))
            if not different:
                return "nothing"
            alone = all(self._differ_in_servers_alone(one, other, name) for name in different)
        except (OSError, UnicodeDecodeError):
            # One of them lacks a file, or a whole directory differs.
            alone = False
        return "servers" if alone else "more"

    def _differ_in_servers_alone(self, one: int, other: int, name: str) -> bool:
        return differ_in_servers_alone(*((self.directory(number) / name).read_text() for number in (one, other)))

    def make_current(self, number: int) -> None:
        """Point the link to a generation, by one atomic rename.

        Raises:
            OSError: the volume cannot be written.
        """
        following = self.state / "next"
        following.unlink(missing_ok=True)
        following.symlink_to(f"{_PREFIX}{number}")
        following.rename(self.link)

    def remove(self, number: int) -> None:
        """Remove a generation, complete or not."""
        shutil.rmtree(self.directory(number), ignore_errors=True)

    def keep_only(self, number: int) -> None:
        """Remove every other generation."""
        for directory in self.state.glob(f"{_PREFIX}*"):
            if directory != self.directory(number):
                shutil.rmtree(directory, ignore_errors=True)


def _different(one: Path, other: Path) -> Iterator[str]:
    """Yield the names of what differs in two directories, of whole directories below."""
    every = {path.name for path in one.iterdir()}, {path.name for path in other.iterdir()}
    yield from every[0] ^ every[1]
    for name in (every[0] & every[1]) - _ASIDE:
        if (one / name).is_dir():
            if any(_different(one / name, other / name)):
                yield name
        elif not filecmp.cmp(one / name, other / name, shallow=False):
            yield name
