"""Measure requests per second through Rollcall's front and through other balancers.

On this machine's loopback, where clients, balancer and instances share the processors: only the ratios are meaningful.
All balancers run all the time; wrk measures one after the other over 32 persistent connections, in rounds, so that
other work on the machine affects all of them. Each writes its access log. The instances respond with 1 KB. Requires
root, to give the front's files to its user. Everything is removed afterwards except the image rollcall-bench/balancers,
which the next run needs.
"""

import re
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import balancers
import click
from balancers import Balancer, Place
from conditions import print_load, run
from loopback import consul_agent
from rich.table import Table

from rollcall import command
from rollcall.console import out, step
from rollcall.errors import RollcallError
from rollcall.lab import packages
from rollcall.program_output import reason

INSTANCES = (28521, 28522, 28523, 28524)
CONNECTIONS = 32
ARTICLE, BY_HAND = 1.8, 0.9


@dataclass(frozen=True)
class Round:
    """One balancer's requests per second, and its 99th percentile in milliseconds."""

    rate: float
    slow: float


def read(text: str) -> Round:
    """Parse wrk's output.

    Raises:
        RollcallError: some requests failed.
    """
    if failed := re.search(r"Socket errors.*|Non-2xx.*", text):
        raise RollcallError(f"wrk counts failed requests: {failed.group()}; the rate is meaningless.")
    rate = re.search(r"Requests/sec:\s+([\d.]+)", text)
    slow = re.search(r"99%\s+([\d.]+)(us|ms|s)", text)
    if not rate or not slow:
        raise RollcallError(f"wrk printed no rate: {reason(text)}")
    return Round(float(rate.group(1)), float(slow.group(1)) * {"us": 0.001, "ms": 1, "s": 1000}[slow.group(2)])


def measure(balancer: Balancer, seconds: int) -> Round:
    load = ["wrk", "--threads=1", f"--connections={CONNECTIONS}", f"--duration={seconds}s", "--latency"]
    return read(command.run([*load, f"http://127.0.0.1:{balancer.port}/"], doing=f"load {balancer.name}"))


def report(rounds: dict[Balancer, list[Round]], seconds: int) -> None:
    count = len(next(iter(rounds.values())))
    rates = {balancer: statistics.median(sample.rate for sample in taken) for balancer, taken in rounds.items()}
    ours = next(iter(rates))
    table = Table(title=f"{CONNECTIONS} keep-alive connections, medians of {count} rounds of {seconds} s")
    table.add_column("balancer")
    for column in ("requests/s", "slowest round", "fastest round", "99 % within", "front ÷ this"):
        table.add_column(column, justify="right")
    for balancer, taken in rounds.items():
        extremes = (min(sample.rate for sample in taken), max(sample.rate for sample in taken))
        figures = (f"{figure:,.0f}" for figure in (rates[balancer], *extremes))
        slow = f"{statistics.median(sample.slow for sample in taken):.1f} ms"
        table.add_row(balancer.name, *figures, slow, f"{rates[ours] / rates[balancer]:.2f}")
    out.print(table)
    print_load()
    for balancer, wanted in ((balancers.ARTICLE, ARTICLE), (balancers.BY_HAND, BY_HAND)):
        if balancer in rates:
            ratio = rates[ours] / rates[balancer]
            colour = "green" if ratio >= wanted else "red"
            out.print(f"{ours.name} ÷ {balancer.name}: [{colour}]{ratio:.2f}[/] (wanted ≥ {wanted})")


@click.command()
@click.option(
    "--rounds",
    "count",
    default=7,
    show_default=True,
    type=click.IntRange(1),
    help="Number of rounds through all balancers.",
)
@click.option("--seconds", default=5, show_default=True, type=click.IntRange(1), help="Duration of each measurement.")
@click.option("--only", multiple=True, help="Part of a balancer's name; may be given more than once.")
def main(count: int, seconds: int, only: tuple[str, ...]) -> None:
    """Measure the requests per second through each balancer."""
    packages.need("wrk", ["wrk"])
    client = balancers.prepared()
    chosen = [balancer for balancer in balancers.ALL if not only or any(part in balancer.name for part in only)]
    rounds: dict[Balancer, list[Round]] = {balancer: [] for balancer in chosen}
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary, ExitStack() as stack:
        place = Place(client, Path(temporary), INSTANCES)
        stack.enter_context(consul_agent(place.folder))
        stack.enter_context(balancers.instances(place))
        for instance in INSTANCES:
            balancers.register(instance)
        for balancer in chosen:
            stack.enter_context(balancer.running(place))
        for number in range(1, count + 1):
            for balancer in chosen:
                with step(f"Round {number}: {balancer.name}"):
                    rounds[balancer].append(measure(balancer, seconds))
    report(rounds, seconds)


if __name__ == "__main__":
    run(main)
