"""Describe a port that a component opens on a host: where it listens, and who may connect."""

from dataclasses import dataclass
from typing import Literal

Protocol = Literal["tcp", "udp"]
Hosts = Literal["every host", "servers", "fronts", "hosts with services", "hosts with jobs"]
At = Literal[
    "the host's address",
    "loopback",
    "Docker's bridge",
    "Docker's bridges",
    "every address",
    "every IPv4 address",
    "front.status",
]
LOOPBACK = "127.0.0.1"
TCP: tuple[Protocol, ...] = ("tcp",)
BOTH: tuple[Protocol, ...] = ("tcp", "udp")
HERE = "the host and its containers"


@dataclass(frozen=True)
class OpenPort:
    """A port, or a range from which some ports may be open; so may a port that is not `always` open."""

    hosts: Hosts
    ports: range
    protocols: tuple[Protocol, ...]
    at: tuple[At, ...]
    serves: str
    open_to: str
    always: bool = True

    @property
    def is_one(self) -> bool:
        """Whether this is a single port."""
        return len(self.ports) == 1

    @property
    def is_lasting(self) -> bool:
        """Whether this is a single port that is always open."""
        return self.is_one and self.always

    @property
    def shown(self) -> str:
        """The port as users write it."""
        number = str(self.ports[0]) if self.is_one else f"{self.ports[0]}–{self.ports[-1]}"
        return f"{number} {' and '.join(self.protocols)}"


def single(port: int) -> range:
    """Return a single port, as OpenPort holds it."""
    return range(port, port + 1)
