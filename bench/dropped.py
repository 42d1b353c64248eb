"""Measure requests that fail while the list of instances changes, for Rollcall's front and other balancers.

On this machine's loopback, one balancer after the other. 32 clients keep their connections and send requests back to
back, while an instance is registered and deregistered in turn, for 50 changes and at least 100,000 requests. No
instance ever stops, so the balancer causes every failure. A change counts as followed at the first response of the
added instance, or at the last response of the removed one; the next change comes only then.

A request fails without a complete response of status 200; clients do not retry. Requires root, to give the front's
files to its user. Everything is removed afterwards except the image rollcall-bench/balancers, which the next run needs.
"""

import statistics
import tempfile
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import balancers
import click
from balancers import FRONT, Balancer, Place
from clients import Clients
from conditions import print_load, run
from loopback import consul_agent, until
from rich.table import Table

from rollcall.console import out, step

INSTANCES = (28521, 28522, 28523, 28524)
CLIENTS = 32
# An instance without a response for this long, beside other instances, has left the list.
GONE_SECONDS = 0.3


@dataclass(frozen=True)
class Result:
    """`followed` are seconds, one per change."""

    requests: int
    connections: int
    broken: dict[str, int]
    followed: list[float]

    @property
    def lost(self) -> int:
        return sum(self.broken.values())

    @property
    def how(self) -> str:
        """The kinds of failures, the most frequent first."""
        return ", ".join(
            f"{number:,} {fate}" for fate, number in sorted(self.broken.items(), key=lambda item: -item[1])
        )


def change(clients: Clients, instance: int, present: bool) -> float:
    """Return the seconds from the change in Consul to its effect on clients."""
    began = time.monotonic()
    if present:
        balancers.register(instance)
        until(lambda: clients.seen.get(str(instance), 0) > began, f"a response of instance {instance}, registered")
        return time.monotonic() - began
    balancers.deregister(instance)
    until(
        lambda: time.monotonic() - max(began, clients.seen[str(instance)]) > GONE_SECONDS,
        f"no response of instance {instance}, deregistered",
    )
    return max(0, clients.seen[str(instance)] - began)


def measure(balancer: Balancer, place: Place, changes: int, requests: int) -> Result:
    *lasting, changing = place.instances
    for instance in lasting:
        balancers.register(instance)
    with balancer.running(place):
        clients, followed = Clients(balancer.port, CLIENTS), []
        with step(f"{balancer.name}: {changes} changes"), clients.running():
            for number in range(changes):
                followed.append(change(clients, changing, number % 2 == 0))
                share = requests * (number + 1) // changes
                until(partial(_reached, clients, share), f"{share} requests", 300)
        if changes % 2:
            balancers.deregister(changing)
    return Result(clients.requests, clients.connections, clients.broken, followed)


def _reached(clients: Clients, share: int) -> bool:
    return clients.requests >= share


def report(results: dict[str, Result], changes: int) -> None:
    table = Table(title=f"{changes} changes of the list, {CLIENTS} keep-alive clients")
    table.add_column("balancer")
    for column in ("requests", "broken", "per million", "connections", "followed, median", "slowest"):
        table.add_column(column, justify="right")
    table.add_column("how they broke")
    for name, result in results.items():
        seconds = (f"{figure:.2f} s" for figure in (statistics.median(result.followed), max(result.followed)))
        per_million = f"{1e6 * result.lost / result.requests:.0f}"
        row = (f"{result.requests:,}", f"{result.lost:,}", per_million, f"{result.connections:,}", *seconds, result.how)
        table.add_row(name, *row)
    out.print(table)
    print_load()
    if ours := results.get(FRONT.name):
        colour = "red" if ours.lost else "green"
        out.print(f"{FRONT.name}: [{colour}]{ours.lost} of {ours.requests:,} broken[/] (wanted 0 of at least 100,000)")


@click.command()
@click.option("--changes", default=50, show_default=True, type=click.IntRange(2), help="Of the list, per balancer.")
@click.option("--requests", default=100_000, show_default=True, type=click.IntRange(1), help="At least, per balancer.")
@click.option("--only", multiple=True, help="Part of a balancer's name; may be given more than once.")
def main(changes: int, requests: int, only: tuple[str, ...]) -> None:
    """Count the requests that break while the list of instances changes."""
    client = balancers.prepared()
    chosen = [balancer for balancer in balancers.FOLLOWING if not only or any(part in balancer.name for part in only)]
    results = {}
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-") as temporary:
        place = Place(client, Path(temporary), INSTANCES)
        with consul_agent(place.folder), balancers.instances(place):
            for balancer in chosen:
                results[balancer.name] = result = measure(balancer, place, changes, requests)
                out.print(f"[dim]  {result.requests:,} requests, broken: {result.how or 'none'}[/]")
    report(results, changes)


if __name__ == "__main__":
    run(main)
