"""Measure how a deploy, a verification and a status grow with the number of hosts.

Grows the lab step by step (`rollcall lab up --hosts`), deploys what is new, and then times `rollcall deploy` with
nothing to do, `rollcall verify` and `rollcall status`. All hosts share this machine's processors with the commands, so
the figures say how the cost grows, not what rented machines would take. So each has the processor time of a host
beside it, by the engine's own count, less what the hosts used in a while before with nothing to do. `rollcall lab down`
removes the hosts.
"""

import os
import statistics
import time
from dataclasses import astuple, dataclass
from pathlib import Path

import click
import docker
import program
from conditions import print_load, run
from rich.table import Table

from rollcall.console import out
from rollcall.lab import size

LAB = "inventories/lab.py"
TIMED = {"deploy": ("deploy", LAB), "verify": ("verify", LAB), "status": ("status", LAB)}
MEMORY = Path("/proc/meminfo")
IDLE_SECONDS = 20


@dataclass(frozen=True)
class Run:
    """One command, in seconds: how long it took, its processes' processor time, and that of a host on average."""

    took: float
    used: float
    of_a_host: float


@dataclass(frozen=True)
class Size:
    """The figures with one number of hosts, in seconds and GB: `started` of `lab up`, `grown` of the deploy."""

    hosts: int
    started: float
    grown: float
    runs: dict[str, list[Run]]
    gigabytes: float


def rollcall(*arguments: str) -> float:
    """Run a command; give the seconds that it took."""
    started = time.perf_counter()
    program.rollcall(*arguments)
    return time.perf_counter() - started


def timed(idle: float, *arguments: str) -> Run:
    """Run a command on hosts that use this much processor time together in a second of doing nothing."""
    before, at_first = os.times(), of_hosts()
    took = rollcall(*arguments)
    after = os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    of_a_host = (of_hosts() - at_first - idle * took) / len(size.hosts())
    out.print(
        f"[dim]rollcall {' '.join(arguments)}: {took:.1f} s, processor {used:.1f} s, each host {of_a_host:.2f} s[/]"
    )
    return Run(took, used, of_a_host)


def of_hosts() -> float:
    """Give the processor time of all hosts until now."""
    engine = docker.from_env().api
    found = (engine.stats(host.container, stream=False, one_shot=True) for host in size.hosts())
    return sum(int(one["cpu_stats"]["cpu_usage"]["total_usage"]) for one in found) / 1e9


def doing_nothing() -> float:
    """Give the processor time that all hosts use in a second without a command."""
    before, started = of_hosts(), time.perf_counter()
    time.sleep(IDLE_SECONDS)
    return (of_hosts() - before) / (time.perf_counter() - started)


def gigabytes() -> float:
    """Give how much of this machine's memory is in use."""
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in MEMORY.open())}
    return (kilobytes["MemTotal"] - kilobytes["MemAvailable"]) / 1e6


def measured(hosts: int, runs: int) -> Size:
    started = rollcall("lab", "up", "--hosts", str(hosts))
    grown = rollcall("deploy", LAB, "--yes")
    idle = doing_nothing()
    taken = {name: [timed(idle, *arguments) for _ in range(runs)] for name, arguments in TIMED.items()}
    return Size(hosts, started, grown, taken, gigabytes())


@click.command()
@click.argument("sizes", nargs=-1, type=click.IntRange(6, 50))
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1), help="How many of each command.")
def main(sizes: tuple[int, ...], runs: int) -> None:
    """Measure with each of these numbers of hosts; by default 6, 12, 25 and 50."""
    report([measured(hosts, runs) for hosts in sorted(sizes) or (6, 12, 25, 50)])


def figures(runs: list[Run]) -> str:
    took, used, of_a_host = map(statistics.median, zip(*map(astuple, runs), strict=True))
    return f"{took:.1f} ({used:.1f}, {of_a_host:.2f})"


def report(sizes: list[Size]) -> None:
    table = Table(title="Seconds (and seconds of processor time of the command itself, and of each host), medians")
    for column in ("hosts", "lab up", "deploy of the new", *TIMED, "memory in use"):
        table.add_column(column, justify="right")
    for one in sizes:
        times = [figures(one.runs[name]) for name in TIMED]
        table.add_row(str(one.hosts), f"{one.started:.0f}", f"{one.grown:.0f}", *times, f"{one.gigabytes:.1f} GB")
    out.print(table)
    print_load()


if __name__ == "__main__":
    run(main)
