"""Measure how fast the registrator is, and what it costs while idle.

On this machine's own engine, with a temporary Consul on loopback, and as a deploy runs it: as the user nobody, behind
the socket filter, with a token. Requires root, to give files to nobody.

    the start in Docker's event        →  in Consul's catalog, by a blocking query
    the stop signal in Docker's event  →  out of Consul's catalog
    a registrator started              →  all of many running containers in the catalog
    an idle registrator                →  its memory, its processor time, the writes of its resyncs

The containers only sleep and use the host's network, to start as fast as possible. They have the label
rollcall.bench=registrator and are removed afterwards, including those of an interrupted run.
"""

import os
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import click
import consul
import docker
from conditions import print_load, run
from loopback import GIVE_UP_SECONDS, HTTP, consul_agent, remove_containers, until
from rich.table import Table

from rollcall.components import registrator as registrator_component
from rollcall.components import socket_filter as filter_component
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Settings
from rollcall.console import out, step
from rollcall.converge.resources import Container
from rollcall.errors import RollcallError
from rollcall.lab import catalogue, engine, images, stand_in
from rollcall.secrets import store

LABEL = {"rollcall.bench": "registrator"}
NAME = "bench"
VOLUME = "rollcall-bench-socket"
MEMBER = Member(NAME, NAME, "127.0.0.1", frozenset(), Settings())
FLEET = Fleet(NAME, (MEMBER,))
WANTED_LATENCY, WANTED_ALL, WANTED_MEGABYTES, WANTED_CPU = 0.060, 3.0, 60, 0.5


def run_deployed(wanted: Container, image: str, sources: dict[str, str], **changes: Any) -> str:
    """Run a container as a deploy does, except for its image, its name and its mounts' sources."""
    mounts = tuple(replace(mount, source=sources.get(mount.target, mount.source)) for mount in wanted.mounts)
    name = f"rollcall-bench-{wanted.name}"
    return stand_in.run(replace(wanted, image=image, name=name, mounts=mounts, **changes), LABEL)


@contextmanager
def socket_filter(image: str, folder: Path) -> Iterator[None]:
    group = Path(filter_component.ENGINE).stat().st_gid
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

    def when_catalog(self, holds: Callable[[int], bool]) -> float:
        """Wait with blocking queries until the catalog has the wanted number of instances, and return the time."""
        index = None
        deadline = time.monotonic() + GIVE_UP_SECONDS
        while time.monotonic() < deadline:
            index, entries = self.api.catalog.service(NAME, index=index, wait="10s")
            if holds(len(entries)):
                return time.time()
        raise RollcallError(f"the catalog did not follow within {GIVE_UP_SECONDS} s.")


def latencies(bench: Bench, count: int) -> tuple[list[float], list[float]]:
    started, stopped = [], []
    for number in range(count):
        container = bench.create(number)
        threading.Thread(target=container.start).start()
        there = bench.when_catalog(lambda found: found == 1)
        started.append(there - bench.events.of("start", container.id))
        threading.Thread(target=container.stop).start()
        gone = bench.when_catalog(lambda found: found == 0)
        stopped.append(gone - bench.events.of("kill", container.id))
        container.wait()
        container.remove(force=True)
    return started, stopped


def written(api: consul.Consul) -> dict[str, int]:
    """Return the raft index at which each instance and its checks were last written."""
    checks = {check["CheckID"]: check["ModifyIndex"] for check in api.health.checks(NAME)[1]}
    return {service["ServiceID"]: service["ModifyIndex"] for service in api.catalog.service(NAME)[1]} | checks


def processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def megabytes(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@dataclass(frozen=True)
class Burden:
    """Measure many containers: seconds until all are registered, then memory, processor time and writes while idle."""

    seconds: float
    megabytes: float
    cpu_percent: float
    writes: int


def burden(bench: Bench, containers: int, idle: int) -> Burden:
    with step(f"Starting {containers} containers"):
        for number in range(containers):
            bench.create(number).start()
    began = time.time()
    with registrator(bench) as running:
        seconds = bench.when_catalog(lambda found: found == containers) - began
        pid = bench.client.api.inspect_container(running.id)["State"]["Pid"]
        # Wait until its start is over, after two of its checks of the agent, two seconds apart.
        time.sleep(5)
        used, clock = processor_seconds(pid), time.monotonic()
        with step(f"Watching it idle for {idle} s"):
            time.sleep(idle)
        cpu = 100 * (processor_seconds(pid) - used) / (time.monotonic() - clock)
        memory = megabytes(pid)
    return Burden(seconds, memory, cpu, resync_writes(bench))


def resync_writes(bench: Bench) -> int:
    """Count the writes of a registrator with nothing to correct, at its start and at three resyncs."""
    before = written(bench.api)
    with registrator(bench, "-cleanup", "-resync", "2"), step("Watching three resyncs"):
        time.sleep(8)
    after = written(bench.api)
    return sum(after.get(key) != index for key, index in before.items()) + len(after.keys() - before.keys())


def report(started: list[float], stopped: list[float], heavy: Burden, containers: int) -> None:
    table = Table(title=f"The registrator, n = {len(started)}")
    table.add_column("from Docker's event")
    for column in ("median", "fastest", "slowest"):
        table.add_column(column, justify="right")
    rows = {"start → in the catalog": started, "stop signal → out of the catalog": stopped}
    for name, seconds in rows.items():
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        table.add_row(name, *(f"{1000 * figure:.0f} ms" for figure in figures))
    out.print(table)
    print_load()
    for name, seconds in rows.items():
        median = statistics.median(seconds)
        verdict(f"{name}, median", f"{1000 * median:.0f} ms", median <= WANTED_LATENCY, "≤ 60 ms")
    verdict(f"{containers} containers at its start", f"{heavy.seconds:.1f} s", heavy.seconds <= WANTED_ALL, "≤ 3 s")
    verdict("memory", f"{heavy.megabytes:.0f} MB", heavy.megabytes <= WANTED_MEGABYTES, f"≤ {WANTED_MEGABYTES} MB")
    cpu_wanted = f"≤ {WANTED_CPU} % of one core"
    verdict("idle", f"{heavy.cpu_percent:.2f} %", heavy.cpu_percent <= WANTED_CPU, cpu_wanted)
    verdict("writes of its resyncs", str(heavy.writes), heavy.writes == 0, "0")


def verdict(what: str, figure: str, good: bool, wanted: str) -> None:
    colour = "green" if good else "red"
    out.print(f"{what}: [{colour}]{figure}[/] (wanted {wanted})")


@click.command()
@click.option("-n", "count", default=50, show_default=True, type=click.IntRange(1), help="Number of starts and stops.")
@click.option(
    "--containers", default=200, show_default=True, type=click.IntRange(1), help="Number of containers at its start."
)
@click.option("--idle", default=60, show_default=True, type=click.IntRange(1), help="Seconds to watch it idle.")
def main(count: int, containers: int, idle: int) -> None:
    """Measure the registrator on this machine's own engine."""
    engine.ensure()
    images.ensure()
    ours, nginx = (
        next(image for image in catalogue.IMAGES if part in image.name) for part in ("/registrator:", "nginx:")
    )
    client = docker.from_env()
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary:
        folder = Path(temporary)
        kept = store.load(folder / "secrets", FLEET)
        resources = registrator_component.resources(stand_in.context(FLEET, MEMBER, kept))
        stand_in.put(resources, registrator_component.FOLDER, folder / "registrator")
        container = stand_in.container(resources)
        bench = Bench(client, consul.Consul(port=HTTP), ours.local, nginx.local, folder / "registrator", container)
        remove_containers(client, LABEL["rollcall.bench"])
        try:
            with consul_agent(folder), socket_filter(nginx.local, folder / "filter"):
                threading.Thread(target=bench.events.follow, args=(client,), daemon=True).start()
                with registrator(bench) as running:
                    until(lambda: b"listening for" in running.logs(), "a registrator that listens to Docker")
                    with step(f"Starting and stopping {count} containers"):
                        started, stopped = latencies(bench, count)
                heavy = burden(bench, containers, idle)
        finally:
            remove_containers(client, LABEL["rollcall.bench"])
    report(started, stopped, heavy, containers)


if __name__ == "__main__":
    run(main)
