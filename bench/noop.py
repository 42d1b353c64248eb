"""How much a deploy costs that has nothing to do, compared with one trivial command on the same hosts.

Compares `pyinfra INVENTORY deploy.py -y` with `pyinfra INVENTORY exec -- true`, in alternation so that
whatever else the machine does falls on both. The hosts must be deployed already: a first run that is not
counted makes sure that nothing is left to change. Changes nothing.
"""

import json
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import click
from conditions import print_load
from rich.table import Table

from rollcall.config import inventory
from rollcall.console import fail, out
from rollcall.errors import RollcallError
from rollcall.remote import connectivity

ROOT = Path(__file__).resolve().parent.parent
RATIO = 1.6
COMMANDS = 2


def pyinfra(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pyinfra", *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"pyinfra {' '.join(arguments)} ended with {done.returncode}; its last words follow.")
        sys.exit("\n".join(done.stderr.splitlines()[-10:]))
    return done


def seconds(*arguments: str) -> float:
    started = time.perf_counter()
    pyinfra(*arguments)
    return time.perf_counter() - started


def commands_per_host(source: str, hosts: list[str]) -> Counter[str]:
    """Count the commands that pyinfra's own debug log says it sends to each host."""
    log = pyinfra(source, "deploy.py", "-y", "--debug").stderr
    counts = Counter(dict.fromkeys(hosts, 0))
    for line in log.splitlines():
        if "Running command on localhost" in line:
            counts["@local"] += 1
        elif "Running command on " in line:
            counts[line.split("Running command on ")[1].split(":")[0]] += 1
    return counts


def changes(source: str) -> int:
    plan = json.loads(pyinfra(source, "deploy.py", "-y", "--json").stdout)
    return sum(len(operation["success"]) for operation in plan["results"]["operations"])


def reached(source: str) -> tuple[inventory.Host, ...]:
    try:
        hosts = inventory.read(source).hosts
        connectivity.check(hosts)
    except RollcallError as problem:
        fail(str(problem))
        sys.exit(1)
    return hosts


@click.command()
@click.argument("source", metavar="INVENTORY", default="inventories/lab.py")
@click.option("--pairs", default=7, show_default=True, type=click.IntRange(5), help="How many of each.")
def main(source: str, pairs: int) -> None:
    """Measure a deploy of INVENTORY that has nothing to do."""
    hosts = [host.name for host in reached(source)]
    if changed := changes(source):
        fail(f"{changed} operations changed something, so this is no no-op; run the same again.")
        sys.exit(1)
    times: dict[str, list[float]] = {"deploy.py -y": [], "exec -- true": []}
    for pair in range(pairs):
        # Each goes first as often as the other.
        for name in sorted(times, reverse=pair % 2 == 1):
            times[name].append(seconds(source, *name.split()))
            out.print(f"[dim]{name}: {times[name][-1]:.2f} s[/]")
    counts = commands_per_host(source, hosts)
    report(source, times, counts)


def report(source: str, times: dict[str, list[float]], counts: Counter[str]) -> None:
    hosts = len(counts)
    table = Table(title=f"A deploy with nothing to do, {source}, {hosts} hosts, n = {len(times['exec -- true'])}")
    for column in ("pyinfra INVENTORY …", "median", "fastest", "slowest"):
        table.add_column(column, justify="left" if column.startswith("pyinfra") else "right")
    for name, measured in times.items():
        figures = (statistics.median(measured), min(measured), max(measured))
        table.add_row(name, *(f"{figure:.2f} s" for figure in figures))
    out.print(table)
    print_load()
    deploy, trivial = (statistics.median(measured) for measured in times.values())
    ratio, most = deploy / trivial, max(counts.values())
    verdict("ratio of the medians", f"{ratio:.2f}", ratio <= RATIO, f"≤ {RATIO}")
    verdict("commands on a host in one no-op deploy", str(most), most <= COMMANDS, f"≤ {COMMANDS}")


def verdict(what: str, figure: str, good: bool, wanted: str) -> None:
    colour = "green" if good else "red"
    out.print(f"{what}: [{colour}]{figure}[/] (wanted {wanted})")


if __name__ == "__main__":
    main()
