"""Measure how fast the registrator is, and what it costs while idle.

On this machine's own engine, with a temporary Consul on loopback, and as a deploy runs it: as the user nobody, behind
the socket filter, with a token. Requires root, to give files to nobody.

    the start in Docker's event        →  in Consul's catalog, by a blocking query
    the stop signal in Docker's event  →  out of Consul's catalog
    a registrator started              →  all of many running containers in the catalog
    many containers started at once    →  each in Consul's catalog
    starts and stops                   →  the registrator's processor time
    an idle registrator                →  its memory, its processor time, the writes of its resyncs

The containers only sleep and use the host's network, to start as fast as possible. They have the label
rollcall.bench=registrator and are removed afterwards, including those of an interrupted run.
"""

import statistics
import tempfile
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import click
import consul
import docker
from conditions import print_load, run
from deployed_registrator import (
    FLEET,
    LABEL,
    MEMBER,
    NAME,
    Bench,
    megabytes,
    processor_seconds,
    registrator,
    socket_filter,
)
from docker.models.containers import Container
from loopback import HTTP, consul_agent, remove_containers, until
from rich.table import Table

from rollcall.components import registrator as registrator_component
from rollcall.console import out, step
from rollcall.lab import catalogue, engine, images, stand_in
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory

WANTED_LATENCY, WANTED_BURST, WANTED_ALL = 0.060, 0.012, 3.0
WANTED_MEGABYTES, WANTED_IDLE, WANTED_CPU = 40, 0.5, 0.5
BURSTS = 5


@dataclass(frozen=True)
class Churn:
    """Seconds of starts and stops, and the registrator's processor time for 100 of them."""

    started: list[float]
    stopped: list[float]
    cpu: float


def starts_and_stops(bench: Bench, running: Container, count: int) -> Churn:
    started, stopped = [], []
    pid = bench.pid(running)
    used = processor_seconds(pid)
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
    return Churn(started, stopped, (processor_seconds(pid) - used) * 100 / count)


def burst(bench: Bench, count: int) -> list[float]:
    """Start containers at once; return the seconds from each one's event to its instance in the catalog."""
    containers = {f"rollcall-bench-{number}": bench.create(number) for number in range(count)}
    with ThreadPoolExecutor(count) as pool:
        for container in containers.values():
            pool.submit(container.start)
        seen = bench.first_seen(count)
    seconds = [at - bench.events.of("start", containers[name].id) for name, at in seen.items()]
    for container in containers.values():
        container.remove(force=True)
    bench.when_catalog(lambda found: found == 0)
    return seconds


def written(api: consul.Consul) -> dict[str, int]:
    """Return the raft index at which each instance and its checks were last written."""
    checks = {check["CheckID"]: check["ModifyIndex"] for check in api.health.checks(NAME)[1]}
    return {service["ServiceID"]: service["ModifyIndex"] for service in api.catalog.service(NAME)[1]} | checks


@dataclass(frozen=True)
class Burden:
    """Measure many containers: seconds until all are registered, then memory, processor time and writes while idle."""

    seconds: float
    megabytes: float
    idle_percent: float
    writes: int


def burden(bench: Bench, containers: int, idle: int) -> Burden:
    with step(f"Starting {containers} containers"):
        for number in range(containers):
            bench.create(number).start()
    began = time.time()
    with registrator(bench) as running:
        seconds = bench.when_catalog(lambda found: found == containers) - began
        pid = bench.pid(running)
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


def report(churn: Churn, bursts: Sequence[float], heavy: Burden, containers: int) -> None:
    table = Table(title=f"The registrator, n = {len(churn.started)}")
    table.add_column("from Docker's event")
    for column in ("median", "fastest", "slowest"):
        table.add_column(column, justify="right")
    rows = {
        "start → in the catalog": (churn.started, WANTED_LATENCY),
        "stop signal → out of the catalog": (churn.stopped, WANTED_LATENCY),
        f"start → in the catalog, {len(bursts) // BURSTS} at once": (bursts, WANTED_BURST),
    }
    for name, (seconds, _) in rows.items():
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        table.add_row(name, *(f"{1000 * figure:.0f} ms" for figure in figures))
    out.print(table)
    print_load()
    for name, (seconds, wanted) in rows.items():
        median = statistics.median(seconds)
        verdict(f"{name}, median", f"{1000 * median:.0f} ms", median <= wanted, f"≤ {1000 * wanted:.0f} ms")
    verdict("100 starts and stops", f"{churn.cpu:.2f} s of a core", churn.cpu <= WANTED_CPU, f"≤ {WANTED_CPU} s")
    verdict(f"{containers} containers at its start", f"{heavy.seconds:.1f} s", heavy.seconds <= WANTED_ALL, "≤ 3 s")
    verdict("memory", f"{heavy.megabytes:.0f} MB", heavy.megabytes <= WANTED_MEGABYTES, f"≤ {WANTED_MEGABYTES} MB")
    idle_wanted = f"≤ {WANTED_IDLE} % of one core"
    verdict("idle", f"{heavy.idle_percent:.2f} %", heavy.idle_percent <= WANTED_IDLE, idle_wanted)
    verdict("writes of its resyncs", str(heavy.writes), heavy.writes == 0, "0")


def verdict(what: str, figure: str, good: bool, wanted: str) -> None:
    colour = "green" if good else "red"
    out.print(f"{what}: [{colour}]{figure}[/] (wanted {wanted})")


@click.command()
@click.option("-n", "count", default=50, show_default=True, type=click.IntRange(1), help="Number of starts and stops.")
@click.option(
    "--containers", default=200, show_default=True, type=click.IntRange(1), help="Number of containers at its start."
)
@click.option("--burst", "together", default=30, show_default=True, type=click.IntRange(1), help="Starts at once.")
@click.option("--idle", default=60, show_default=True, type=click.IntRange(1), help="Seconds to watch it idle.")
@click.option("--image", default="", help="Another version of the registrator's image, to compare.")
def main(count: int, containers: int, together: int, idle: int, image: str) -> None:
    """Measure the registrator on this machine's own engine."""
    engine.ensure()
    images.ensure()
    ours, nginx = (
        next(image for image in catalogue.IMAGES if part in image.name) for part in ("/registrator:", "nginx:")
    )
    client = docker.from_env()
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary:
        folder = Path(temporary)
        kept = store.read(PrivateDirectory(folder / "secrets"), FLEET)
        resources = registrator_component.resources(stand_in.context(FLEET, MEMBER, kept))
        stand_in.put(resources, registrator_component.FOLDER, folder / "registrator")
        container = stand_in.container(resources)
        bench = Bench(
            client, consul.Consul(port=HTTP), image or ours.local, nginx.local, folder / "registrator", container
        )
        remove_containers(client, LABEL["rollcall.bench"])
        try:
            with consul_agent(folder), socket_filter(nginx.local, folder / "filter"):
                threading.Thread(target=bench.events.follow, args=(client,), daemon=True).start()
                with registrator(bench) as running:
                    until(lambda: b"listening for" in running.logs(), "a registrator that listens to Docker")
                    with step(f"Starting and stopping {count} containers"):
                        churn = starts_and_stops(bench, running, count)
                    with step(f"Starting {together} containers at once, {BURSTS} times"):
                        bursts = [seconds for _ in range(BURSTS) for seconds in burst(bench, together)]
                heavy = burden(bench, containers, idle)
        finally:
            remove_containers(client, LABEL["rollcall.bench"])
    report(churn, bursts, heavy, containers)


if __name__ == "__main__":
    run(main)
