"""Measure how the front follows a change with 10, 100, 1,000 and 5,000 instances in Consul, and its memory.

On this machine's loopback, with a temporary Consul. Ten instances form a service, or as many as --per-service says, and
each service requests its own host name, so that nginx's configuration grows with both. All are registered through
Consul's API, on hosts without an agent; nothing listens at their addresses. Then the front starts anew, and after that
one more instance comes and goes:

    first list  the front's start until consul-template has written the catalog
    rendered    a change's request to Consul's API until consul-template has written the catalog
    served      … until nginx's new workers respond, the old ones no longer accept, and the front has confirmed it

Memory is the proportional set size: memory that nginx's processes share counts once. Requires root, to give the front's
files to its user and to read its processes. Everything is removed afterwards.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import click
import docker
import requests
from balancers import image
from conditions import print_load, run
from docker.models.containers import Container
from front_on_loopback import front
from loopback import HTTP, consul_agent, remove_containers, until
from rich.table import Table

from rollcall.console import out, step
from rollcall.lab import engine, images

LABEL = "scale"
SIZES = (10, 100, 1000, 5000)
PER_HOST = 100
# Consul's limit per transaction.
OPERATIONS = 128
CHANGING = "127.2.0.1"
GIVE_UP_SECONDS = 120
PARTS = ("consul", "consul-template", "front", "nginx")


@dataclass(frozen=True)
class Change:
    """Seconds since the request to Consul."""

    rendered: float
    served: float


@dataclass(frozen=True)
class Size:
    """The results with one number of instances.

    `first` is the seconds until the first list after a start; then the changes, the size of nginx's configuration, and
    the MB of each part.
    """

    instances: int
    services: int
    first: float
    changes: list[Change]
    kilobytes: float
    megabytes: dict[str, float]


@dataclass(frozen=True)
class Front:
    """The front's container, as the machine sees it."""

    container: Container
    # How many instances form a service.
    per_service: int

    @property
    def pid(self) -> int:
        return int(self.container.attrs["State"]["Pid"])

    @property
    def root(self) -> Path:
        return Path(f"/proc/{self.pid}/root")

    @property
    def state(self) -> Path:
        return self.root / "var/lib/rollcall/front"

    @property
    def sites(self) -> str:
        return (self.state / "current/sites.conf").read_text()

    @property
    def catalog(self) -> Path:
        return self.root / "run/rollcall/front/staging/catalog.json"

    def rendered_at(self) -> float:
        return self.catalog.stat().st_mtime

    def restart(self) -> float:
        """Start it anew, which its catalog does not outlive; return the seconds until it has one again."""
        self.container.restart()
        self.container.reload()
        started = datetime.fromisoformat(self.container.attrs["State"]["StartedAt"]).timestamp()
        until(self.catalog.exists, "a first list", GIVE_UP_SECONDS)
        return self.rendered_at() - started

    def is_confirmed(self) -> bool:
        """Return whether only the current generation exists: the front removes the others after confirming it."""
        return len(list(self.state.glob("generation.*"))) == 1

    def current(self) -> str:
        return str((self.state / "current").readlink())

    def processes(self) -> Iterator[tuple[str, int]]:
        top = self.container.top(ps_args="-eo pid,comm")
        for pid, name in top["Processes"]:
            yield name, int(pid)


def service_operations(numbers: range, per_service: int) -> Iterator[dict[str, Any]]:
    """Yield the operations that add these instances to the catalog; a host before its first instance."""
    for number in numbers:
        host, service = f"host-{number // PER_HOST}", f"shop-{number // per_service}"
        if number % PER_HOST == 0 or number == numbers.start:
            yield {"Node": {"Verb": "set", "Node": {"Node": host, "Address": "127.0.0.1"}}}
        address = f"127.1.{number // 250}.{number % 250 + 1}"
        yield service_operation("set", host, service, f"{service}-{number}", address)


def service_operation(verb: str, host: str, service: str, identity: str, address: str) -> dict[str, Any]:
    meta = {"virtual_host": f"{service}.example.com"}
    about = {"ID": identity, "Service": service, "Address": address, "Port": 80, "Meta": meta}
    return {"Service": {"Verb": verb, "Node": host, "Service": about}}


def transact(operations: list[dict[str, Any]]) -> None:
    requests.put(f"http://127.0.0.1:{HTTP}/v1/txn", json=operations, timeout=30).raise_for_status()


def fill(front: Front, numbers: range) -> None:
    operations = list(service_operations(numbers, front.per_service))
    for start in range(0, len(operations), OPERATIONS):
        transact(operations[start : start + OPERATIONS])
    last = f"127.1.{numbers[-1] // 250}.{numbers[-1] % 250 + 1}:80"
    until(lambda: follows(front, last, present=True), f"a front with {numbers.stop} instances", GIVE_UP_SECONDS)


def follows(front: Front, endpoint: str, *, present: bool) -> bool:
    return front.is_confirmed() and (f"server {endpoint} " in front.sites) is present


def change(front: Front, *, present: bool) -> Change:
    before = front.current()
    began = time.time()
    transact([service_operation("set" if present else "delete", "host-0", "shop-0", "shop-0-more", CHANGING)])
    # Cheap while nothing happens, unlike reading the long list.
    until(lambda: front.current() != before, "another generation", GIVE_UP_SECONDS)
    until(lambda: follows(front, f"{CHANGING}:80", present=present), "a front that followed", GIVE_UP_SECONDS)
    return Change(front.rendered_at() - began, time.time() - began)


def megabytes(pid: int) -> float:
    try:
        rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except (FileNotFoundError, ProcessLookupError):
        # An old worker of nginx that has just exited.
        return 0
    return int(rollup.partition("\nPss:")[2].split()[0]) / 1024


def memory(front: Front, consul_pid: int) -> dict[str, float]:
    """Return the megabytes of each part, without a health check that happens to run."""
    found = {"consul": megabytes(consul_pid), "front": megabytes(front.pid), "consul-template": 0.0, "nginx": 0.0}
    for name, pid in front.processes():
        if name in ("consul-template", "nginx"):
            found[name] += megabytes(pid)
    return found


def measure(front: Front, consul_pid: int, before: int, size: int, count: int) -> Size:
    with step(f"Registering {size - before:,} instances"):
        fill(front, range(before, size))
    with step(f"{size:,} instances: {count} changes"):
        first = front.restart()
        until(front.is_confirmed, "a front with one generation", GIVE_UP_SECONDS)
        changes = [change(front, present=number % 2 == 0) for number in range(count)]
    services = -(-size // front.per_service)
    return Size(size, services, first, changes, len(front.sites) / 1024, memory(front, consul_pid))


def report(sizes: list[Size]) -> None:
    served = {size.instances: statistics.median(change.served for change in size.changes) for size in sizes}
    first = served[sizes[0].instances]
    times = Table("instances", "services", "first list", "rendered", "served", "slowest", "÷ the first")
    memory = Table("instances", "sites.conf", *(f"{part} MB" for part in PARTS))
    times.title = f"One change among many instances, medians of {len(sizes[0].changes)}"
    for column in (*times.columns, *memory.columns):
        column.justify = "right"
    for size in sizes:
        rendered = statistics.median(change.rendered for change in size.changes)
        slowest = max(change.served for change in size.changes)
        seconds = (f"{figure:.3f} s" for figure in (size.first, rendered, served[size.instances], slowest))
        times.add_row(f"{size.instances:,}", f"{size.services:,}", *seconds, f"{served[size.instances] / first:.1f}")
        parts = (f"{size.megabytes[part]:.0f}" for part in PARTS)
        memory.add_row(f"{size.instances:,}", f"{size.kilobytes:,.0f} KB", *parts)
    out.print(times)
    out.print(memory)
    print_load()
    last = sizes[-1]
    grown = 1000 * (served[last.instances] - first) / max(1, last.instances - sizes[0].instances)
    out.print(
        f"Growth: {1000 * grown:.0f} ms per 1,000 instances; {last.instances // sizes[0].instances:,} times the "
        f"instances take {served[last.instances] / first:.1f} times as long"
    )


@click.command()
@click.option(
    "-n", "count", default=10, show_default=True, type=click.IntRange(2), help="How many changes at each size."
)
@click.option("--most", default=SIZES[-1], show_default=True, type=click.IntRange(10), help="Leave out larger sizes.")
@click.option("--per-service", default=10, show_default=True, type=click.IntRange(1), help="Instances of a service.")
def main(count: int, most: int, per_service: int) -> None:
    """Measure how the front follows a change among many instances."""
    engine.ensure()
    images.ensure()
    client = docker.from_env()
    remove_containers(client, LABEL)
    sizes: list[Size] = []
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary:
        folder = Path(temporary)
        with (
            consul_agent(folder) as consul,
            front(client, image("rollcall/front:"), folder, LABEL, "shop-0") as running,
        ):
            running.reload()
            seen = Front(running, per_service)
            until(lambda: seen.state.joinpath("current").is_symlink(), "a front with a generation")
            for size in (size for size in SIZES if size <= most):
                before = sizes[-1].instances if sizes else 0
                sizes.append(measure(seen, consul.pid, before, size, count - count % 2))
    report(sizes)


if __name__ == "__main__":
    run(main)
