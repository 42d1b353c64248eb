"""`rollcall status`: one view of the fleet that joins Docker, Consul and nginx."""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet, Member
from rollcall.config.inventory import Inventory
from rollcall.console import out
from rollcall.errors import RollcallError
from rollcall.remote import run
from rollcall.remote.run import Shell

if TYPE_CHECKING:
    from rollcall.status.fleet_status import FleetStatus, Host

# Between two looks, as a person reads them.
WATCH_SECONDS = 1.0


@click.command()
@inventory_argument
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Only these hosts.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--watch", is_flag=True, help="Look again each second, until Ctrl-C.")
def status(source: str, limit: tuple[str, ...], as_json: bool, watch: bool) -> None:
    """Show every service's instances as Docker, Consul and nginx see them, and what is not as it should be.

    Exit code: 0, with problems too; 1 if a host, its agent or its front could not be read.
    """
    if as_json and watch:
        raise click.UsageError("--json prints one document, so it cannot go with --watch.")
    chosen, fleet = checked_fleet(source, limit)
    with ExitStack() as stack:
        look = _looking(stack, chosen, fleet)
        found = look()
        if watch:
            _watch(found, look)
        elif as_json:
            click.echo(json.dumps(found.to_json(), indent=2, ensure_ascii=False))
        else:
            _print(found)
    sys.exit(1 if found.unread else 0)


def _print(found: "FleetStatus") -> None:
    from rollcall.status.table import shown

    view = shown(found)
    # A file has no width: there a row is one line, however long.
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


def _looking(stack: ExitStack, chosen: Inventory, fleet: Fleet) -> "Callable[[], FleetStatus]":
    """Open a shell to each host, and give the function that looks through them, at all hosts at the same time."""
    from rollcall.status.fleet_status import joined

    sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="rollcall-"))
    shells = [(fleet.member(host.name), stack.enter_context(run.connected(host, sockets))) for host in chosen.hosts]
    pool = stack.enter_context(ThreadPoolExecutor(max_workers=len(shells)))
    return lambda: joined(fleet, pool.map(_host, *zip(*shells, strict=True)))


def _host(member: Member, shell: Shell) -> "Host":
    from rollcall.status import host_status
    from rollcall.status.fleet_status import Host

    command = host_status.command(front=member.is_front)
    try:
        result = shell.run(command)
        if result.code != 0:
            return Host(member, unread=result.reason)
        return Host(member, host_status.parse(result.output))
    except (RollcallError, ValueError) as error:
        return Host(member, unread=str(error))
