"""Define the lab's names, addresses, ports and versions, as plain data."""

import os
from dataclasses import dataclass
from pathlib import Path


def _base(variable: str, default: str) -> Path:
    value = os.environ.get(variable, "")
    # The XDG base directory specification: programs must ignore a relative path.
    return Path(value) if value.startswith("/") else Path.home() / default


STATE = _base("XDG_STATE_HOME", ".local/state") / "rollcall" / "lab"
"""This lab's keys, and the log of the engine that it started."""

LABEL = "rollcall.lab"
"""The label (value `1`) of every container, network and volume of the lab."""

IMAGE_LABEL = f"{LABEL}.image"
"""The label of its images; separate from LABEL, because every container inherits its image's labels."""

PREFIX = "rollcall-lab"
"""The prefix of every name of the lab on the machine's engine."""

NETWORK = "rollcall-lab"
SUBNET = "10.77.0.0/24"
GATEWAY = "10.77.0.1"
LOOPBACK = "127.0.0.1"

REGISTRY = f"{PREFIX}-registry"
REGISTRY_ADDRESS = "10.77.0.2"
REGISTRY_PORT = 22002
"""Where the registry listens on the machine's loopback, for pushing."""

DEBIAN_SUITE = "trixie"
NGINX_SUITE = "testing"
"""Debian's stable release has an older nginx; testing has 1.30."""

OLDEST_SUITE = "bookworm"
"""It has the oldest supported engine."""

CONSUL_VERSION = "1.22.7"
CONSUL_BEFORE_VERSION = "1.21.0"
"""The release from which a test upgrades."""
CONSUL_TEMPLATE_VERSION = "0.42.1"
DOCKER_VERSION = "2.0.0-beta.24"
"""The Go module's version of moby/v2, the newest engine; Docker's releases have other numbers."""
PEBBLE_VERSION = "2.10.3"

ENGINES = ("20.10", "26.1", "28.5", "newest")
"""The Docker Engines that lab hosts can have, oldest first."""

DEFAULT_ENGINE = "26.1"
"""The engine in Debian's stable release, as on most rented machines."""

GO_MINIMUM = (1, 26, 4)
"""The version that consul-template's go.mod requires."""


@dataclass(frozen=True)
class Published:
    """A port of a host that is published on the machine's loopback."""

    machine: int
    host: int


@dataclass(frozen=True)
class LabHost:
    """One host of the lab."""

    name: str
    address: str
    ssh_port: int
    published: tuple[Published, ...] = ()

    @property
    def container(self) -> str:
        """The host's container on the machine's engine."""
        return f"{PREFIX}-{self.name}"

    @property
    def volume(self) -> str:
        """The volume that holds its engine's images and containers."""
        return f"{PREFIX}-{self.name}-docker"

    @property
    def machine_ports(self) -> tuple[int, ...]:
        """Every port it uses on the machine's loopback."""
        return (self.ssh_port, *(port.machine for port in self.published))


HOSTS = (
    LabHost("consul1", "10.77.0.11", 22011),
    LabHost("consul2", "10.77.0.12", 22012),
    LabHost("consul3", "10.77.0.13", 22013),
    LabHost("app1", "10.77.0.21", 22021),
    LabHost("app2", "10.77.0.22", 22022),
    LabHost("front1", "10.77.0.31", 22031, (Published(8080, 80), Published(8443, 443))),
)


def more_hosts(count: int) -> tuple[LabHost, ...]:
    """Return the hosts beyond the six, `host7` and so on: clients of Consul, for measuring larger fleets."""
    numbers = range(len(HOSTS) + 1, len(HOSTS) + 1 + count)
    return tuple(LabHost(f"host{number}", f"10.77.0.{100 + number}", 22100 + number) for number in numbers)
