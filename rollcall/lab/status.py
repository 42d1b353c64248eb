"""Read the lab's current state."""

from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from rollcall.images.docker import inspect
from rollcall.lab import engine, hosts, images, registry, side_by_side, size
from rollcall.lab.catalogue import IMAGES
from rollcall.lab.layout import LOOPBACK, REGISTRY, REGISTRY_ADDRESS, REGISTRY_PORT, LabHost


@dataclass(frozen=True)
class HostStatus:
    """A host; `state` is Docker's state or `missing`; `engine` is the version of its own engine if it responds."""

    name: str
    state: str
    address: str
    ssh_port: int
    published: dict[int, int]
    engine: str | None


@dataclass(frozen=True)
class ImageStatus:
    """An image; `current` if it was built from this checkout's sources, `offered` if the lab's registry has it."""

    name: str
    current: bool
    offered: bool


@dataclass(frozen=True)
class LabStatus:
    """The whole lab; `engine` is whether the machine's own Docker Engine responds."""

    engine: bool
    hosts: tuple[HostStatus, ...]
    registry: str
    images: tuple[ImageStatus, ...]

    @property
    def is_up(self) -> bool:
        """Whether every host's engine responds, and the registry runs."""
        return self.registry == "running" and all(host.engine for host in self.hosts)

    def to_json(self) -> dict[str, Any]:
        """Return plain data for `--json`."""
        at = {"state": self.registry, "address": f"{REGISTRY_ADDRESS}:5000", "push": f"{LOOPBACK}:{REGISTRY_PORT}"}
        return {**asdict(self), "registry": at, "up": self.is_up}


def read() -> LabStatus:
    """Read the state of everything without changing it."""
    reachable = engine.responds()
    all_hosts = size.hosts()
    names = [*(host.container for host in all_hosts), REGISTRY]
    found = inspect("container", names) if reachable else {}
    states = {name: str(found[name]["State"]["Status"]) if name in found else "missing" for name in names}
    versions = side_by_side.run([partial(_version, host, states) for host in all_hosts])
    return LabStatus(
        reachable,
        tuple(_host(host, states, version) for host, version in zip(all_hosts, versions, strict=True)),
        states[REGISTRY],
        _images(reachable, states[REGISTRY] == "running"),
    )


def _version(host: LabHost, states: dict[str, str]) -> str | None:
    return hosts.engine_version(host) if states[host.container] == "running" else None


def _host(host: LabHost, states: dict[str, str], version: str | None) -> HostStatus:
    published = {port.machine: port.host for port in host.published}
    return HostStatus(host.name, states[host.container], host.address, host.ssh_port, published, version)


def _images(reachable: bool, registry_runs: bool) -> tuple[ImageStatus, ...]:
    current = images.current() if reachable else set()
    offered = [image for image in IMAGES if image.offered]
    return tuple(
        ImageStatus(image.name, image.name in current, registry_runs and registry.holds(image)) for image in offered
    )
