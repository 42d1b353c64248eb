"""Measure a deploy with nothing to do: by Rollcall, by pyinfra alone, and beside one trivial command.

Compares `rollcall deploy INVENTORY`, `pyinfra INVENTORY deploy.py -y` and `pyinfra INVENTORY exec -- true`, in
alternation so that whatever else the machine does falls on all of them. The hosts must be deployed already: a first
run that is not counted makes sure that nothing is left to change. Changes nothing.

A busy machine changes a command's own processor time less than its wall time.
"""

import json
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import click
from conditions import print_times, timed_in_turn

from rollcall.config import inventory
from rollcall.console import fail, out
from rollcall.errors import RollcallError
from rollcall.remote import connectivity

ROOT = Path(__file__).resolve().parent.parent
ROLLCALL, DEPLOY, TRIVIAL = "rollcall deploy", "pyinfra deploy.py", "pyinfra exec true"
# Ratios of medians.
RATIOS = {(ROLLCALL, DEPLOY): 1.25, (ROLLCALL, TRIVIAL): 1.9, (DEPLOY, TRIVIAL): 1.6}
COMMANDS = 2


def commands(source: str) -> dict[str, list[str]]:
    return {
        ROLLCALL: ["rollcall", "deploy", source],
        DEPLOY: ["pyinfra", source, "deploy.py", "-y"],
        TRIVIAL: ["pyinfra", source, "exec", "--", "true"],
    }


def run(program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", program, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        fail(f"{program} {' '.join(arguments)} exited with {done.returncode}; the end of its output follows.")
        sys.exit("\n".join(done.stderr.splitlines()[-10:]))
    return done


def seconds(arguments: list[str]) -> float:
    started = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - started


def processor_seconds() -> float:
    """Return the processor time of all commands that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def commands_per_host(source: str, hosts: list[str]) -> Counter[str]:
    """Count the commands that pyinfra sends to each host, from its own debug log."""
    log = run("pyinfra", source, "deploy.py", "-y", "--debug").stderr
    counts = Counter(dict.fromkeys(hosts, 0))
    for line in log.splitlines():
        if "Running command on localhost" in line:
            counts["@local"] += 1
        elif "Running command on " in line:
            counts[line.split("Running command on ")[1].split(":")[0]] += 1
    return counts


def changes(source: str) -> int:
    plan = json.loads(run("pyinfra", source, "deploy.py", "-y", "--json").stdout)
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
@click.option("--runs", default=7, show_default=True, type=click.IntRange(5), help="How many of each.")
def main(source: str, runs: int) -> None:
    """Measure a deploy of INVENTORY with nothing to do."""
    hosts = [host.name for host in reached(source)]
    if changed := changes(source):
        fail(f"{changed} operations changed something, so the deploy was not a no-op; run the same command again.")
        sys.exit(1)
    tried = commands(source)
    processor: dict[str, list[float]] = {name: [] for name in tried}

    def timed(name: str) -> float:
        before = processor_seconds()
        taken = seconds(tried[name])
        processor[name].append(processor_seconds() - before)
        return taken

    times = timed_in_turn(tried, runs, timed)
    counts = commands_per_host(source, hosts)
    report(source, times, processor, counts)


def report(source: str, times: dict[str, list[float]], processor: dict[str, list[float]], counts: Counter[str]) -> None:
    hosts = len(counts)
    print_times(f"A deploy with nothing to do, {source}, {hosts} hosts, n = {len(times[TRIVIAL])}", times)
    print_times("… its own processor time, without the hosts'", processor)
    medians = {name: statistics.median(measured) for name, measured in times.items()}
    for (one, other), bar in RATIOS.items():
        ratio = medians[one] / medians[other]
        verdict(f"{one} ÷ {other}", f"{ratio:.2f}", ratio <= bar, f"≤ {bar}")
    most = max(counts.values())
    verdict("commands on a host in one no-op deploy", str(most), most <= COMMANDS, f"≤ {COMMANDS}")


def verdict(what: str, figure: str, good: bool, wanted: str) -> None:
    colour = "green" if good else "red"
    out.print(f"{what}: [{colour}]{figure}[/] (wanted {wanted})")


if __name__ == "__main__":
    main()
