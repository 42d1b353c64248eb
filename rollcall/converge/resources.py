"""Describe what should be on a host: plain, hashable data without I/O."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, astuple, dataclass, field, fields
from typing import Literal

from rollcall.converge.container_options import Options

ImageSource = Literal["pull", "push"]
# Files in directories with this prefix are digested with the salt beside them.
SALTED, SALT = "secrets-", ".salt"


@dataclass(frozen=True)
class Directory:
    """A directory; `owner` is a numeric uid:gid, since user names differ between image and host.

    A `shared` directory also belongs to others: it is created if missing and otherwise left unchanged.
    One that `holds_data` is removed with the files that programs wrote into it.
    """

    path: str
    mode: int = 0o755
    owner: str = "0:0"
    shared: bool = False
    holds_data: bool = False


@dataclass(frozen=True)
class File:
    """A whole file of ours. Its text may be secret and is never shown, not even as a difference.

    A digest helps to guess a text that a person chose: a `salt`, which stands beside it in SALT, is part of it.
    Without an `owner`, `notify` sets it.
    `notify` is the shell command that makes the consumer read a change. `consumer` is the container that reads the
    file: if the same deploy restarts it, it needs no notification.
    """

    path: str
    text: str = field(repr=False)
    mode: int = 0o644
    owner: str = "0:0"
    notify: str = ""
    consumer: str = ""
    salt: str = field(default="", repr=False)

    @property
    def digest(self) -> str:
        """SHA-256 of the content after its salt, as sha256sum prints it."""
        return hashlib.sha256((self.salt + self.text).encode()).hexdigest()


@dataclass(frozen=True)
class AbsentFile:
    """A file outside /etc/rollcall that must not be there; `notify` as for a file."""

    path: str
    notify: str = ""


@dataclass(frozen=True)
class LeadingLine:
    """The first line of a file that is not ours; `present=False` removes it."""

    path: str
    line: str
    present: bool = True


@dataclass(frozen=True)
class Network:
    """A bridge network of the host's engine."""

    name: str


@dataclass(frozen=True)
class Volume:
    """A named volume; its data outlasts the container."""

    name: str


@dataclass(frozen=True)
class Mount:
    """A host directory (source starts with /) or a volume, mounted in a container."""

    source: str
    target: str
    read_only: bool = True


@dataclass(frozen=True)
class Tmpfs:
    """A directory in memory, for what a container with a read-only root writes; `options` as for mount(8)."""

    target: str
    options: str = "size=16m"


@dataclass(frozen=True)
class PublishedPort:
    """A container's port published on a host address; `host` is a port or a range to choose from ("20000-20999")."""

    container: int
    address: str
    host: str = ""


_UNORDERED = ("environment", "secret_environment", "exposed", "listens", "add_capabilities", "drop_capabilities")


@dataclass(frozen=True)
class Container:
    """A container as it should run.

    `configuration` is a digest of the files it reads: a container that reads its configuration only at its start is
    replaced when they change.
    `exposed` are ports that neither the image declares nor `ports` publishes.
    `listens` are the (address, port) pairs it listens on at the host itself, "" for every address.
    `stop_timeout` is the time between the stop signal and a kill, in seconds.
    `user` is a numeric uid:gid; empty means the image's own, often root. In every case the container has only the added
    capabilities, gains none, and writes only to its mounts and tmpfs.
    `restart` is Docker's restart policy. With "unless-stopped" nothing restarts after the engine was killed
    (tried with Docker 26.1).
    `memory` is the limit in MiB, `pids` the limit of processes and threads.
    `readiness_command` succeeds in the container once it serves. A container with one takes over from its predecessor
    while both run; any other starts after its predecessor has stopped. It is for containers that hand over their
    listening sockets: the engine publishes no port of `ports` for two containers at once.
    `options` are plain options of Docker, from container_options.made.
    `secrets` is a keyed digest of the secrets that it gets, `secret_environment` those that it gets in its environment.
    One that is `on_call` is only created: another program starts it when it is wanted. What replaces it waits for a run
    that is under way, for at most `run_timeout` seconds; `idle_command` succeeds on the host once its end was noticed.
    `trial_command` succeeds on the host if a new one does its work there, and else prints why it does not.
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
    options: Options = ()
    secrets: str = ""
    secret_environment: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    on_call: bool = False
    run_timeout: int = 0
    idle_command: str = ""
    trial_command: str = ""

    def __post_init__(self) -> None:
        """Sort unordered fields, so that the order of a setting or of Docker is not a difference."""
        for name in _UNORDERED:
            object.__setattr__(self, name, tuple(sorted(getattr(self, name))))
        object.__setattr__(self, "ports", tuple(sorted(self.ports, key=astuple)))
        object.__setattr__(self, "mounts", tuple(sorted(self.mounts, key=lambda mount: mount.target)))
        object.__setattr__(self, "tmpfs", tuple(sorted(self.tmpfs, key=lambda tmpfs: tmpfs.target)))

    @property
    def retired(self) -> str:
        """The predecessor's name while both run."""
        return f"{self.name}-retired"

    @property
    def spec(self) -> str:
        """Digest over every field that makes the container: any change to the desired container changes it.

        The values of secrets count by their keyed digest alone, since this one would help to guess them.
        """
        # Without the fields that have their default: one that Rollcall adds later replaces nobody's containers.
        content = {name: value for name, value in asdict(self).items() if getattr(self, name) != _DEFAULTS[name]}
        # A program can switch to another port, and an image can come in another way, without a new container.
        for name in ("listens", "image_source", "run_timeout", "idle_command", "trial_command"):
            content.pop(name, None)
        if self.secret_environment:
            content["secret_environment"] = [name for name, _ in self.secret_environment]
        text = json.dumps(content, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]


_DEFAULTS = {one.name: one.default for one in fields(Container)}

Resource = Directory | File | AbsentFile | LeadingLine | Network | Volume | Container


def configuration_digest(resources: Iterable[Resource]) -> str:
    """Return the digest of the files among the resources, for `Container.configuration`."""
    digest = hashlib.sha256()
    for resource in resources:
        if isinstance(resource, File):
            digest.update(f"{resource.path} {resource.mode:o} {resource.owner} {resource.digest}\n".encode())
    return digest.hexdigest()[:16]
