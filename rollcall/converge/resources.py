"""What should be on a host: plain, hashable data without any I/O."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, field
from typing import Literal

ImageSource = Literal["pull", "push"]


@dataclass(frozen=True)
class Directory:
    """A directory; `owner` is numeric, uid:gid, since the names inside an image are not the host's.

    A `shared` one is somebody else's, too: it is made where there is none, and else left as it is.
    """

    path: str
    mode: int = 0o755
    owner: str = "0:0"
    shared: bool = False


@dataclass(frozen=True)
class File:
    """A whole file of ours. Its text may be secret and is never shown, not even as a difference.

    `notify` is a shell command that makes the consumer read a change. `consumer` is the container that reads the file:
    if the same deploy starts it anew, it needs no notification.
    """

    path: str
    text: str = field(repr=False)
    mode: int = 0o644
    owner: str = "0:0"
    notify: str = ""
    consumer: str = ""

    @property
    def digest(self) -> str:
        """SHA-256 of the content, as sha256sum prints it."""
        return hashlib.sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class AbsentFile:
    """A file outside /etc/rollcall that must not be there; `notify` as for a file."""

    path: str
    notify: str = ""


@dataclass(frozen=True)
class LeadingLine:
    """A line that stands first in a file which is not ours, and is taken out again with `present=False`."""

    path: str
    line: str
    present: bool = True


@dataclass(frozen=True)
class Network:
    """A bridge network of the host's engine."""

    name: str


@dataclass(frozen=True)
class Volume:
    """A named volume; its data outlives the container."""

    name: str


@dataclass(frozen=True)
class Mount:
    """A host directory (source begins with /) or a volume in a container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True)
class Tmpfs:
    """A directory in memory, for what a container on a read-only root writes; `options` as for mount(8)."""

    target: str
    options: str = "size=16m"


@dataclass(frozen=True)
class PublishedPort:
    """A container's port on a host address; `host` is a port there, or a range ("20000-20999") to choose from."""

    container: int
    address: str
    host: str = ""


@dataclass(frozen=True)
class Container:
    """A container as it should run.

    `configuration` is a digest of the files it reads: a container that reads its configuration only at
    its start must be replaced when they change.
    `exposed` are ports which neither the image declares nor `ports` publishes.
    `listens` are the (address, port) it will listen on at the host itself, "" for every address.
    `stop_timeout` is seconds between the stop signal and a kill.
    `user` is numeric, uid:gid; empty is the image's own, often root. Whoever it is has no capabilities but those
    added, gains none, and writes to nothing but its mounts and tmpfs.
    `restart` is Docker's policy. "unless-stopped" would not do: with it nothing comes back once the engine was killed
    (Docker 26.1, tried).
    `memory` is the limit in MiB, `pids` that of processes and threads.
    `readiness_command` succeeds in the container once it serves. A container that has one takes over from its
    predecessor while both run; all others start when theirs has stopped. It is for containers that hand over what they
    listen on: the engine gives no port of `ports` to two of them.
    """

    name: str
    image: str
    component: str
    image_source: ImageSource = "pull"
    command: tuple[str, ...] = ()
    environment: tuple[tuple[str, str], ...] = ()
    network: str = "bridge"
    hostname: str = ""
    ports: tuple[PublishedPort, ...] = ()
    exposed: tuple[int, ...] = ()
    listens: tuple[tuple[str, int], ...] = ()
    mounts: tuple[Mount, ...] = ()
    tmpfs: tuple[Tmpfs, ...] = ()
    user: str = ""
    drop_capabilities: tuple[str, ...] = ("ALL",)
    add_capabilities: tuple[str, ...] = ()
    security_options: tuple[str, ...] = ("no-new-privileges",)
    read_only: bool = True
    memory: int = 128
    pids: int = 128
    restart: str = "always"
    stop_timeout: int = 10
    configuration: str = ""
    readiness_command: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Sort what has no order, so that neither a setting's nor Docker's order is taken for a difference."""
        for name in ("environment", "exposed", "listens", "add_capabilities", "drop_capabilities"):
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))
        object.__setattr__(self, "ports", tuple(sorted(self.ports, key=astuple)))
        object.__setattr__(self, "mounts", tuple(sorted(self.mounts, key=lambda mount: mount.target)))
        object.__setattr__(self, "tmpfs", tuple(sorted(self.tmpfs, key=lambda tmpfs: tmpfs.target)))

    @property
    def retired(self) -> str:
        """Name the predecessor while both run."""
        return f"{self.name}-retired"

    @property
    def spec(self) -> str:
        """Digest over every field that makes the container: any change to what is desired shows in it."""
        made = asdict(self)
        # What its program listens on is the program's matter, which may be told of another port.
        del made["listens"]
        if not self.readiness_command:
            del made["readiness_command"]
        text = json.dumps(made, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


Resource = Directory | File | AbsentFile | LeadingLine | Network | Volume | Container


def configuration_digest(resources: Iterable[Resource]) -> str:
    """Digest of the files among the things, for `Container.configuration`."""
    digest = hashlib.sha256()
    for resource in resources:
        if isinstance(resource, File):
            digest.update(f"{resource.path} {resource.mode:o} {resource.owner} {resource.digest}\n".encode())
    return digest.hexdigest()[:16]
