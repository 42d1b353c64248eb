"""Run the registrator as a deploy does, beside a temporary Consul and containers that only sleep, for a benchmark."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import consul
import docker
from loopback import GIVE_UP_SECONDS, HTTP, until

from rollcall.components import registrator as registrator_component
from rollcall.components import socket_filter as filter_component
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Settings
from rollcall.converge import docker_query
from rollcall.converge.resources import Container
from rollcall.errors import RollcallError
from rollcall.lab import stand_in

LABEL = {"rollcall.bench": "registrator"}
NAME = "bench"
VOLUME = "rollcall-bench-socket"
MEMBER = Member(NAME, NAME, "127.0.0.1", frozenset(), Settings())
FLEET = Fleet(NAME, (MEMBER,))


def run_deployed(wanted: Container, image: str, sources: dict[str, str], **changes: Any) -> str:
    """Run a container as a deploy does, except for its image, its name and its mounts' sources."""
    mounts = tuple(replace(mount, source=sources.get(mount.target, mount.source)) for mount in wanted.mounts)
    name = f"rollcall-bench-{wanted.name}"
    return stand_in.run(replace(wanted, image=image, name=name, mounts=mounts, **changes), LABEL)


@contextmanager
def socket_filter(image: str, folder: Path) -> Iterator[None]:
    group = Path(docker_query.SOCKET).stat().st_gid
    resources = filter_component.resources(stand_in.context(FLEET, MEMBER, None, socket_group=group))
    stand_in.put(resources, filter_component.FOLDER, folder)
    sources = {filter_component.FOLDER: str(folder), filter_component.TARGET: VOLUME}
    client = docker.from_env()
    volume = client.volumes.create(VOLUME, labels=LABEL)
    running = client.containers.get(run_deployed(stand_in.container(resources), image, sources))
    try:
        yield
    finally:
        running.remove(force=True)
        volume.remove()


@contextmanager
def registrator(bench: "Bench", *flags: str) -> Iterator[Any]:
    """Run the registrator as a deploy does: in its image, as nobody, behind the socket filter, with a token."""
    sources = {registrator_component.FOLDER: str(bench.folder), registrator_component.ENGINE_FOLDER: VOLUME}
    command = ("-ip", "127.0.0.1", *flags, f"consul://127.0.0.1:{HTTP}")
    running = bench.client.containers.get(run_deployed(bench.deployed, bench.registrator, sources, command=command))
    try:
        yield running
    finally:
        running.remove(force=True, v=True)


@dataclass
class Events:
    """Each container's start and first signal in Docker's events, in seconds since 1970."""

    times: dict[tuple[str, str], float] = field(default_factory=dict)

    def follow(self, client: docker.DockerClient) -> None:
        filters = {"label": "rollcall.bench=registrator", "event": ["start", "kill"]}
        for event in client.events(decode=True, filters=filters):
            self.times.setdefault((event["Action"], event["Actor"]["ID"]), event["timeNano"] / 1e9)

    def of(self, action: str, container_id: str) -> float:
        return float(until(lambda: self.times.get((action, container_id)), f"Docker's {action} event"))


@dataclass
class Bench:
    """The engine and Consul; the registrator's image, folder and container; an image whose containers only sleep."""

    client: docker.DockerClient
    api: consul.Consul
    registrator: str
    image: str
    folder: Path
    deployed: Container
    events: Events = field(default_factory=Events)

    def create(self, number: int) -> Any:
        return self.client.containers.create(
            self.image,
            entrypoint=["sleep", "3600"],
            name=f"rollcall-bench-{number}",
            environment={"SERVICE_NAME": NAME},
            network_mode="host",
            labels=LABEL,
            # PID 1 ignores signals without a handler, and the measurement must not include the wait for SIGKILL.
            stop_signal="SIGKILL",
        )

    def pid(self, running: Any) -> int:
        return int(self.client.api.inspect_container(running.id)["State"]["Pid"])

    def first_seen(self, count: int) -> dict[str, float]:
        """Wait until the catalog has this many instances; return when each container, by name, first appeared."""
        seen: dict[str, float] = {}
        index = None
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            index, entries = self.api.catalog.service(NAME, index=index, wait="10s")
            now = time.time()
            for entry in entries:
                seen.setdefault(entry["ServiceID"].split(":")[1], now)
            if len(seen) == count:
                return seen
        raise RollcallError(f"timed out after {GIVE_UP_SECONDS} s: {count} containers in the catalog.")

    def when_catalog(self, holds: Callable[[int], bool]) -> float:
        """Wait with blocking queries until the catalog has the wanted number of instances, and return the time."""
        index = None
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            index, entries = self.api.catalog.service(NAME, index=index, wait="10s")
            if holds(len(entries)):
                return time.time()
        raise RollcallError(f"the catalog did not follow within {GIVE_UP_SECONDS} s.")


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024
