"""`rollcall releases`: list what was released of a service."""

import json
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.console import out
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.secrets.deployed import read_secrets

if TYPE_CHECKING:
    from rollcall.services.history import Record


@click.command()
@inventory_argument
@click.argument("service", metavar="SERVICE")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def releases(source: str, service: str, as_json: bool) -> None:
    """List the last releases of SERVICE, the newest first: version, who, when, and the result.

    A version is the image's tag with a short digest of everything declared; `rollcall rollback` takes either.
    """
    from rollcall.services import declarations, history

    chosen, fleet = checked_fleet(source)
    declarations.check_releases(fleet, service)
    token = read_secrets(source, chosen, fleet, "rollcall releases").tokens.secret("operator")
    agent = AgentClient(pick_agent(source, chosen), token)
    found = history.records(agent.read(f"{history.path(service)}?recurse=true"))
    if as_json:
        click.echo(json.dumps([_document(one) for one in found], indent=2, ensure_ascii=False))
    elif found:
        _print(found)
    else:
        out.print(f"No release of {service} is recorded; the next one will be.", markup=False)


def _document(one: "Record") -> dict[str, object]:
    return {
        "version": one.digest,
        "image": one.image,
        "kind": one.kind,
        "who": one.who,
        "started": one.started,
        "ended": one.ended,
        "result": one.result,
        "failure": one.failure,
        "complete": one.complete,
        "hosts": list(one.hosts),
    }


def _print(found: "list[Record]") -> None:
    from rich import box
    from rich.table import Table

    from rollcall.config.image_version import version

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for head in ("version", "digest", "by", "who", "when (UTC)", "result"):
        table.add_column(head, overflow="fold")
    for one in found:
        table.add_row(version(one.image), one.digest, one.kind, one.who, one.started, one.result)
    out.print(table, soft_wrap=False)
    for one in found:
        if one.failure:
            out.print(f"– {one.started}: {one.failure}", markup=False)
