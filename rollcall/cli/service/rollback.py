"""`rollcall rollback` and `rollcall restart`: release one service in an earlier version, or anew."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.remote import connectivity
from rollcall.secrets.deployed import read_secrets

if TYPE_CHECKING:
    from rollcall.services.history import Kind, Record

dry_option = click.option("--dry", is_flag=True, help="Print every change; make none.")


@click.command()
@inventory_argument
@click.argument("service", metavar="SERVICE")
@click.argument("version", metavar="[VERSION]", required=False, default="")
@dry_option
def rollback(source: str, service: str, version: str, dry: bool) -> None:
    """Release an earlier VERSION of SERVICE again: an image's tag or a digest of `rollcall releases`.

    Without VERSION: the last one before the present one that was released completely. Nothing else of the fleet
    changes. The group data still declare the present version; what to write there is printed.
    """
    from rollcall.config.image_version import version as tag
    from rollcall.deploy import program
    from rollcall.services import history

    program.begin()
    started = time.monotonic()
    chosen, fleet = checked_fleet(source, reader=program.read)
    record = history.to_roll_back_to(_records(source, chosen, fleet, service), service, version, source)
    out.print(f"{service} goes back to {tag(record.image)} ({record.digest}), released {record.started} UTC")
    _release(chosen, service, "rollback", record, dry=dry)
    if not dry:
        seconds = f"{time.monotonic() - started:.1f} s"
        what = f"changed {', '.join(changed)}" if (changed := program.changed_hosts(dry)) else "nothing had to change"
        out.print(f"\n[green]Rolled back[/] {service} to {tag(record.image)} ({record.digest}) in {seconds}; {what}.")
    _print_edits(chosen, fleet, service, record)


@click.command()
@inventory_argument
@click.argument("service", metavar="SERVICE")
@dry_option
def restart(source: str, service: str, dry: bool) -> None:
    """Replace every container of SERVICE by a new one of the version that runs, one after the other, as a release."""
    from rollcall.deploy import program
    from rollcall.services import history

    program.begin()
    started = time.monotonic()
    chosen, fleet = checked_fleet(source, reader=program.read)
    record = history.to_restart(_records(source, chosen, fleet, service), service, source)
    _release(chosen, service, "restart", record, dry=dry)
    if not dry:
        out.print(f"\n[green]Restarted[/] {service} in {time.monotonic() - started:.1f} s.")


def _records(source: str, chosen: Inventory, fleet: Fleet, service: str) -> "list[Record]":
    from rollcall.services import declarations, history

    declarations.check_releases(fleet, service)
    token = read_secrets(source, chosen, fleet, "rollcall rollback").tokens.secret("operator")
    connectivity.check(chosen.hosts)
    agent = AgentClient(pick_agent(source, chosen), token)
    return history.records(agent.read(f"{history.path(service)}?recurse=true"))


def _release(chosen: Inventory, service: str, kind: "Kind", record: "Record | None", *, dry: bool) -> None:
    from rollcall.deploy import program
    from rollcall.deploy.services import scope

    scope.use(scope.Scope(service, kind, record))
    program.run(chosen, "release.py", ["--dry" if dry else "-y"])


def _print_edits(chosen: Inventory, fleet: Fleet, service: str, record: "Record") -> None:
    """Say where the group data declare another version than the one that now runs, and what to write there."""
    from rollcall.config import validation
    from rollcall.deploy import image_digests
    from rollcall.services import declarations

    locate = validation.locator(Path(chosen.source), [host.raw for host in chosen.hosts])
    said: dict[str, None] = {}
    for one in declarations.declarations(fleet, service):
        placed = record.hosts.get(one.host)
        wanted = record.declarations[placed.declaration if placed else 0]
        if "@" not in str(one.declaration.get("image")):
            wanted = {**wanted, "image": image_digests.as_tagged(str(wanted["image"]))}
        edits = declarations.edits(one.declaration, wanted)
        if edits:
            names = [its.name for its in fleet.member(one.host).settings.services]
            where = locate(one.host, ("services", names.index(service)))
            said[
                f"{where}the declaration differs from this version, and the next deploy releases it; "
                f"to keep this version, write there: {', '.join(edits)}"
            ] = None
    for sentence in said:
        out.print(sentence, markup=False)
