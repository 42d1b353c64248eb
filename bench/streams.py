"""Measure TCP streams through Rollcall's front and through HAProxy: connections, throughput, and what changes break.

On this machine's loopback, where clients, balancer and instances share the processors: only the ratios are meaningful.
Both follow the same Consul to the same instances and log each connection to standard output. Requires root, to give the
front's files to its user.
"""

import asyncio
import re
import socket
import statistics
import tempfile
import threading
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import balancers
import click
from background import Background
from balancers import CONSUL, FOLDER, IMAGE, LABEL, SERVICE, TARGET, Place
from conditions import print_load, run
from front_on_loopback import front
from loopback import consul_agent, container, until
from rich.table import Table

from rollcall import command
from rollcall.console import out, step
from rollcall.errors import RollcallError
from rollcall.lab import packages

INSTANCES = (28521, 28522)
ECHOES = (28523, 28524)
OURS, HAPROXY = ("Rollcall's front", 28530), ("HAProxy 3.0, consul-template", 28531)
BALANCERS = (OURS, HAPROXY)
CONNECTIONS = 32
LARGE_MIB = 64
ESTABLISHED = 200
ANSWER_SECONDS = 10
_UNITS = {"KB": 2**10, "MB": 2**20, "GB": 2**30}


def _front(place: Place) -> AbstractContextManager[object]:
    stream = {"port": OURS[1], "service": SERVICE}
    ours = balancers.image("rollcall/front:")
    # Instances leave between the parts of the benchmark all at once, and on purpose.
    more: dict[str, Any] = {"streams": (stream,), "access_log": "short", "keep_lost": 0}
    return front(place.engine, ours, place.folder, LABEL, SERVICE, **more)


def _haproxy(place: Place) -> AbstractContextManager[object]:
    start = ["bash", f"{TARGET}/haproxy.sh", str(HAPROXY[1]), CONSUL, "", "haproxy-tcp.cfg.ctmpl"]
    return container(place.engine, IMAGE, start, {FOLDER: TARGET}, LABEL)


@contextmanager
def _instances(place: Place) -> Iterator[None]:
    large, configuration = place.folder / "large", place.folder / "instances.conf"
    large.write_bytes(bytes(LARGE_MIB << 20))
    large.chmod(0o644)
    configuration.write_text(balancers.rendered("streams.conf.j2", instances=place.instances, large="/srv/large"))
    serve = ["nginx", "-c", f"{TARGET}/nginx.conf", "-g", "daemon off;"]
    mounts = {configuration: f"{TARGET}/nginx.conf", large: "/srv/large"}
    with container(place.engine, balancers.image("nginx:"), serve, mounts, LABEL):
        yield


def _load(port: int, path: str, seconds: int, *more: str) -> str:
    options = ["--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s", *more]
    text = command.run(["wrk", *options, f"http://127.0.0.1:{port}{path}"], doing="load a stream")
    if failed := re.search(r"Socket errors.*|Non-2xx.*", text):
        raise RollcallError(f"wrk counts failures: {failed.group()}; the figure is meaningless.")
    return text


def connections(port: int, seconds: int) -> float:
    """Return how many connections with one small response each came through in a second."""
    found = re.search(r"Requests/sec:\s+([\d.]+)", _load(port, "/", seconds, "--header=Connection: close"))
    return float(found[1]) if found else 0.0


def gigabits(port: int, seconds: int) -> float:
    """Return the throughput of large responses in Gbit/s."""
    found = re.search(r"Transfer/sec:\s+([\d.]+)(KB|MB|GB)", _load(port, "/large", seconds, "--timeout=30s"))
    return float(found[1]) * _UNITS[found[2]] * 8 / 1e9 if found else 0.0


@dataclass
class Established(Background):
    """Connections that stay, each with a message every 50 ms; `broken` counts those that ended."""

    broken: int = 0
    answers: int = 0
    opened: int = 0

    async def _one(self) -> None:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            self.opened += 1
            while not self.stopping:
                writer.write(b"hello\n")
                async with asyncio.timeout(ANSWER_SECONDS):
                    if await reader.readline() != b"hello\n":
                        raise ConnectionError
                self.answers += 1
                await asyncio.sleep(0.05)
            writer.close()
        except OSError:
            self.broken += 1


@contextmanager
def _echoes() -> Iterator[None]:
    """Run two programs that return each line."""
    started, loop = threading.Event(), asyncio.new_event_loop()

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                writer.write(line)
                await writer.drain()
        writer.close()

    async def serve() -> None:
        for port in ECHOES:
            await asyncio.start_server(echo, "127.0.0.1", port)
        started.set()

    def forever() -> None:
        loop.create_task(serve())
        loop.run_forever()

    thread = threading.Thread(target=forever, daemon=True)
    thread.start()
    started.wait(10)
    yield
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


def changed(port: int, place: Place, changes: int) -> Established:
    """Return what became of established connections while another instance came and went."""
    changing = ECHOES[1]
    established = Established(port, ESTABLISHED)
    with established.running():
        until(lambda: established.opened + established.broken >= ESTABLISHED, "open connections")
        for number in range(changes):
            before = _version(port, place)
            balancers.register(changing) if number % 2 == 0 else balancers.deregister(changing)
            until(lambda before=before: _version(port, place) != before, "a followed change")  # type: ignore[misc]
    if changes % 2:
        balancers.deregister(changing)
    return established


def _version(port: int, place: Place) -> str:
    """Return what changes with each configuration that a balancer serves."""
    name = "rollcall-bench-front-0" if port == OURS[1] else ""
    for one in place.engine.containers.list(filters={"label": f"rollcall.bench={LABEL}"}):
        if name and one.name == name:
            return str(one.exec_run(["readlink", "/var/lib/rollcall/front/current"]).output)
        if not name and one.attrs["Config"]["Image"] == IMAGE:
            # A new worker beside the old ones.
            return str(one.exec_run(["sh", "-c", "grep -lx haproxy /proc/[0-9]*/comm"]).output)
    return ""


@click.command()
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1), help="Through both balancers.")
@click.option("--seconds", default=4, show_default=True, type=click.IntRange(1), help="Of each measurement.")
@click.option("--changes", default=50, show_default=True, type=click.IntRange(2), help="Of the list, per balancer.")
def main(rounds: int, seconds: int, changes: int) -> None:
    """Measure streams through each balancer."""
    packages.need("wrk", ["wrk"])
    client = balancers.prepared()
    rates: dict[str, list[float]] = {name: [] for name, _ in BALANCERS}
    speeds: dict[str, list[float]] = {name: [] for name, _ in BALANCERS}
    kept: dict[str, Established] = {}
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary, ExitStack() as stack:
        place = Place(client, Path(temporary), INSTANCES)
        for context in (consul_agent(place.folder), _instances(place), _echoes()):
            stack.enter_context(context)
        for instance in INSTANCES:
            balancers.register(instance)
        for balancer in (_front(place), _haproxy(place)):
            stack.enter_context(balancer)
        for _, port in BALANCERS:
            until(lambda port=port: _responds(port), f"a response at {port}")  # type: ignore[misc]
        for number in range(1, rounds + 1):
            for name, port in BALANCERS:
                with step(f"Round {number}: {name}"):
                    rates[name].append(connections(port, seconds))
                    speeds[name].append(gigabits(port, seconds))
        balancers.register(ECHOES[0])
        for instance in INSTANCES:
            balancers.deregister(instance)
        for name, port in BALANCERS:
            until(lambda port=port: _echoes_alone(port), f"echoes at {port}")  # type: ignore[misc]
            with step(f"{changes} changes: {name}"):
                kept[name] = changed(port, place, changes)
    _report(rates, speeds, kept, changes)


def _responds(port: int) -> bool:
    try:
        return connections(port, 1) > 0
    except RollcallError:
        return False


def _echoes_alone(port: int) -> bool:
    """Whether every connection gets its own words back: no instance of HTTP is left."""
    for _ in range(4 * len(INSTANCES)):
        with socket.create_connection(("127.0.0.1", port), ANSWER_SECONDS) as one:
            one.sendall(b"hello\n")
            if one.recv(64) != b"hello\n":
                return False
    return True


def _report(
    rates: dict[str, list[float]], speeds: dict[str, list[float]], kept: dict[str, Established], changes: int
) -> None:
    table = Table(title=f"TCP streams, medians of {len(rates[OURS[0]])} rounds")
    for column in ("balancer", "connections/s", "Gbit/s", f"of {ESTABLISHED} broken in {changes} changes", "answers"):
        table.add_column(column, justify="left" if column == "balancer" else "right")
    for name, _ in BALANCERS:
        figures = (f"{statistics.median(rates[name]):,.0f}", f"{statistics.median(speeds[name]):.2f}")
        table.add_row(name, *figures, str(kept[name].broken), f"{kept[name].answers:,}")
    out.print(table)
    print_load()


if __name__ == "__main__":
    run(main)
