"""Measure how a deploy, a verification and a status grow with the number of hosts.

Grows the lab step by step (`rollcall lab up --hosts`), deploys what is new, and then times `rollcall deploy` with
nothing to do, `rollcall verify` and `rollcall status`. All hosts share this machine's processors with the commands, so
the figures say how the cost grows, not what rented machines would take. `rollcall lab down` removes the hosts.
"""

import os
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

import click
import program
from conditions import print_load, run
from rich.table import Table

from rollcall.console import out

LAB = "inventories/lab.py"
TIMED = {"deploy": ("deploy", LAB), "verify": ("verify", LAB), "status": ("status", LAB)}
MEMORY = Path("/proc/meminfo")


@dataclass(frozen=True)
class Size:
    """The figures with one number of hosts, in seconds and GB: `started` of `lab up`, `grown` of the deploy."""

    hosts: int
    started: float
    grown: float
    seconds: dict[str, list[float]]
    processor: dict[str, float]
    gigabytes: float


def rollcall(*arguments: str) -> tuple[float, float]:
    """Run a command; give the seconds that it took, and those of processor time of its own processes."""
    before, started = os.times(), time.perf_counter()
    program.rollcall(*arguments)
    took, after = time.perf_counter() - started, os.times()
    used = after.children_user + after.children_system - before.children_user - before.children_system
    out.print(f"[dim]rollcall {' '.join(arguments)}: {took:.1f} s, {used:.1f} s of processor time[/]")
    return took, used


def gigabytes() -> float:
    """Give how much of this machine's memory is in use."""
    kilobytes = {name: int(rest.split()[0]) for name, rest in (line.split(":") for line in MEMORY.open())}
    return (kilobytes["MemTotal"] - kilobytes["MemAvailable"]) / 1e6


def measured(hosts: int, runs: int) -> Size:
    started, _ = rollcall("lab", "up", "--hosts", str(hosts))
    grown, _ = rollcall("deploy", LAB, "--yes")
    taken = {name: [rollcall(*arguments) for _ in range(runs)] for name, arguments in TIMED.items()}
    seconds = {name: [took for took, _ in figures] for name, figures in taken.items()}
    processor = {name: statistics.median(used for _, used in figures) for name, figures in taken.items()}
    return Size(hosts, started, grown, seconds, processor, gigabytes())


@click.command()
@click.argument("sizes", nargs=-1, type=click.IntRange(6, 50))
@click.option("--runs", default=3, show_default=True, type=click.IntRange(1), help="How many of each command.")
def main(sizes: tuple[int, ...], runs: int) -> None:
    """Measure with each of these numbers of hosts; by default 6, 12, 25 and 50."""
    report([measured(hosts, runs) for hosts in sorted(sizes) or (6, 12, 25, 50)])


def report(sizes: list[Size]) -> None:
    table = Table(title="Seconds (and seconds of processor time of the command itself), medians")
    for column in ("hosts", "lab up", "deploy of the new", *TIMED, "memory in use"):
        table.add_column(column, justify="right")
    for size in sizes:
        times = [f"{statistics.median(size.seconds[name]):.1f} ({size.processor[name]:.1f})" for name in TIMED]
        table.add_row(str(size.hosts), f"{size.started:.0f}", f"{size.grown:.0f}", *times, f"{size.gigabytes:.1f} GB")
    out.print(table)
    print_load()


if __name__ == "__main__":
    run(main)
