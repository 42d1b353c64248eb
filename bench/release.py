"""Measure releases of a service under load: failed requests, seconds, and the longest wait of a request.

On the lab, through its front: 4 containers on 2 hosts, of an app that serves a second after its container runs. 32
clients keep their connections, 4 connect anew for each request; half of them send GET, half POST, each with a pause
between two requests, which leaves the machine room for what it measures. A request fails without a complete response of
status 200; clients do not retry.

Beside the releases: the article's front on this machine, which follows the same Consul and has as many clients during
half as many releases; the same containers removed and run again by hand, one after the other; a rollback; and a version
that crashes at its start, of which the deploy must say so while the old one serves.
"""

import json
import shlex
import statistics
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import click
from article_beside import article_beside
from clients import Clients
from conditions import print_load, run
from declared import PORT, Declared, declared, web_app
from rich.table import Table
from routing import Shell, shell

from rollcall.console import out, step

NAME, COUNT = "shop", 2
HOSTS = ("app1", "app2")
KEEPING, ANEW = 32, 4
PAUSE_SECONDS = 0.02
CRASH = ["sh", "-c", "echo no database; exit 3"]


def request(method: str, *, anew: bool) -> bytes:
    head = f"{method} / HTTP/1.1\r\nHost: {NAME}.example.com\r\n"
    body = "x" if method == "POST" else ""
    last = "Connection: close\r\n" if anew else ""
    return f"{head}{last}Content-Length: {len(body)}\r\n\r\n{body}".encode()


@dataclass
class Phase:
    """`seconds` are those of each command, `fates` and `longest` those of the requests meanwhile."""

    seconds: list[float] = field(default_factory=list)
    fates: Counter[str] = field(default_factory=Counter)
    longest: float = 0

    @property
    def failed(self) -> dict[str, int]:
        return {fate: number for fate, number in self.fates.items() if fate != "200"}


@contextmanager
def load(port: int) -> Iterator[Phase]:
    kinds = [(method, anew) for method in ("GET", "POST") for anew in (False, True)]
    clients = [
        Clients(port, (ANEW if anew else KEEPING) // 2, request(method, anew=anew), PAUSE_SECONDS)
        for method, anew in kinds
    ]
    phase = Phase()
    with ExitStack() as stack:
        for one in clients:
            stack.enter_context(one.running())
        yield phase
    phase.fates = sum((one.fates for one in clients), Counter())
    phase.longest = max(one.longest for one in clients)


def measured(name: str, port: int, runs: int, work: Callable[[int], float]) -> Phase:
    with step(name), load(port) as phase:
        for number in range(runs):
            phase.seconds.append(work(number))
    out.print(f"[dim]  {phase.fates.total():,} requests, failed: {phase.failed or 'none'}[/]")
    return phase


def release(place: Declared, number: int) -> float:
    place.write([web_app(NAME, f"v{number}", count=COUNT)])
    return place.rollcall("deploy")


def broken(place: Declared) -> float:
    place.write([web_app(NAME, "broken", count=COUNT, command=CRASH)])
    return place.rollcall("deploy", code=1)


def by_hand(shells: dict[str, Shell]) -> float:
    """Remove and run each container again; return 0, since nothing waits for it to serve."""
    for one in shells.values():
        for number in range(1, COUNT + 1):
            name = f"{NAME}-{number}"
            model = json.loads(one.run(f"docker inspect --format '{{{{json .}}}}' {name}"))
            one.run(f"docker rm --force {name} >/dev/null; {again(model, name)}")
    return 0


def again(model: dict[str, dict[str, object]], name: str) -> str:
    config, host = model["Config"], model["HostConfig"]
    environment, command, bound = config["Env"], config["Cmd"], host["PortBindings"]
    assert isinstance(environment, list) and isinstance(command, list) and isinstance(bound, dict)
    address = bound[f"{PORT}/tcp"][0]["HostIp"] if bound else ""
    ports = f"--publish={address}::{PORT}" if bound else f"--expose={PORT}"
    options = [f"--network={host['NetworkMode']}", ports, *(f"--env={one}" for one in environment)]
    return shlex.join(["docker", "run", "--detach", f"--name={name}", *options, str(config["Image"]), *command])


def report(phases: dict[str, Phase]) -> None:
    title = (
        f"{len(HOSTS) * COUNT} containers on {len(HOSTS)} hosts, {KEEPING} keep-alive clients, {ANEW} that connect anew"
    )
    table = Table(title=title)
    for column in ("what", "median", "slowest", "requests", "failed", "longest wait", "how they failed"):
        table.add_column(column, justify="left" if column in ("what", "how they failed") else "right")
    for name, phase in phases.items():
        median, slowest = statistics.median(phase.seconds), max(phase.seconds)
        seconds = (f"{median:.1f} s", f"{slowest:.1f} s") if slowest else ("", "")
        how = ", ".join(f"{number} {fate}" for fate, number in phase.failed.items())
        failed = f"{sum(phase.failed.values()):,}"
        table.add_row(name, *seconds, f"{phase.fates.total():,}", failed, f"{phase.longest:.2f} s", how)
    out.print(table)
    print_load()
    lost = sum(sum(phase.failed.values()) for name, phase in phases.items() if name not in (BY_HAND, ARTICLE))
    out.print(f"requests that Rollcall lost: [{'red' if lost else 'green'}]{lost}[/] (wanted 0)")


RELEASES, ROLLBACK, BROKEN = "rollcall deploy, a new version", "rollcall rollback", "rollcall deploy, a broken version"
BY_HAND = "docker rm -f; docker run"
ARTICLE = "rollcall deploy, through the article's front"


@click.command()
@click.option("--releases", default=10, show_default=True, type=click.IntRange(2), help="How many versions.")
@click.option("--port", default=8080, show_default=True, help="The front's, on this machine's loopback.")
def main(releases: int, port: int) -> None:
    """Measure releases on the deployed lab."""
    phases: dict[str, Phase] = {}
    with declared() as place, ExitStack() as opened:
        shells = {name: opened.enter_context(shell(host)) for name, host in place.hosts().items() if name in HOSTS}
        release(place, 0)
        try:
            phases[RELEASES] = measured(RELEASES, port, releases, lambda number: release(place, number + 1))
            with article_beside(place.inventory, NAME) as article:
                later = releases + 1
                phases[ARTICLE] = measured(
                    ARTICLE, article, releases // 2, lambda number: release(place, later + number)
                )
            phases[ROLLBACK] = measured(ROLLBACK, port, 1, lambda _: place.rollcall("rollback", NAME))
            phases[BROKEN] = measured(BROKEN, port, 1, lambda _: broken(place))
            # What the broken version left behind goes.
            release(place, releases - 1)
            phases[BY_HAND] = measured(BY_HAND, port, 3, lambda _: by_hand(shells))
        finally:
            # What was run by hand is nobody's: a deploy would leave it.
            for one in shells.values():
                names = " ".join(f"{NAME}-{number}" for number in range(1, COUNT + 1))
                one.run(f"docker rm --force {names} >/dev/null 2>&1; echo removed")
    report(phases)


if __name__ == "__main__":
    run(main)
