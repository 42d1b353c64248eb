"""`rollcall status`: show one view of the fleet from Docker, Consul and nginx."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out
from rollcall.remote import run

if TYPE_CHECKING:
    from rollcall.status.fleet_status import FleetStatus

# Often enough for a person.
WATCH_SECONDS = 1.0


@click.command()
@inventory_argument
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Only these hosts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--watch", is_flag=True, help="Refresh each second, until Ctrl-C.")
@click.option("--check", is_flag=True, help="For scripts: exit code 1 also for a problem; remarks do not count.")
def status(source: str, limit: tuple[str, ...], as_json: bool, watch: bool, check: bool) -> None:
    """Show what is wrong, and every service's instances as Docker, Consul and nginx see them.

    Exit code: 1 if a host, its agent or its front could not be read, else 0; with --check 1 for any problem.
    """
    if watch and (as_json or check):
        raise click.UsageError(f"{'--json' if as_json else '--check'} excludes --watch.")
    chosen, fleet = checked_fleet(source, limit)
    with ExitStack() as stack:
        look = _looking(stack, chosen, fleet, source)
        found = look()
        if watch:
            _watch(found, look)
        elif as_json:
            click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        else:
            _print(found)
    sys.exit(1 if found.unread or (check and not found.is_well) else 0)


def _print(found: "FleetStatus") -> None:
    from rollcall.status.table import shown

    view = shown(found)
    # A file has no width, so each row is one line.
    width = (
        None if out.is_terminal else max(out.width, out.measure(view, options=out.options.update(width=10_000)).maximum)
    )
    out.print(view, width=width, soft_wrap=False)


def _watch(found: "FleetStatus", look: "Callable[[], FleetStatus]") -> None:
    from rich.live import Live

    from rollcall.status.table import shown

    with Live(shown(found), console=out, auto_refresh=False, screen=out.is_terminal) as live:
        while True:
            started = time.monotonic()
            live.update(shown(look()), refresh=True)
            time.sleep(max(0.0, WATCH_SECONDS - (time.monotonic() - started)))


def _looking(stack: ExitStack, chosen: Inventory, fleet: Fleet, source: str) -> "Callable[[], FleetStatus]":
    """Open a shell to each host, and return a function that reads all hosts in parallel."""
    from rollcall.status.looking import looking

    sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-"))
    shells = {host.name: stack.enter_context(run.connected(host, sockets)) for host in chosen.hosts}
    return looking(stack, shells, fleet, source)
