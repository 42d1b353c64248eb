"""`rollcall services`: show the version and the state of each declared service."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.inventory import Host
from rollcall.console import out
from rollcall.consul.agent_client import AgentClient
from rollcall.remote import connectivity
from rollcall.remote.run import Shell
from rollcall.secrets.deployed import read_secrets

if TYPE_CHECKING:
    from rollcall.services.listing import HostServices, Row

DATE = len("2026-11-28T23:59")


@click.command()
@inventory_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def services(source: str, as_json: bool) -> None:
    """Show each service: its version, since when, how many containers serve of those declared, hosts, and routes.

    A container serves if it runs, passes its checks in Consul, and nobody took it out of service.
    """
    from rollcall.services.listing import rows

    chosen, fleet = checked_fleet(source)
    token = read_secrets(source, chosen, fleet, "rollcall services").tokens.secret("operator")
    connectivity.check(chosen.hosts)
    with ThreadPoolExecutor(max_workers=len(chosen.hosts)) as pool:
        found = rows(fleet, pool.map(lambda host: _look(host, token), chosen.hosts))
    if as_json:
        click.echo(json.dumps([asdict(row) for row in found], indent=2, ensure_ascii=False))
    elif found:
        _print(found)
    else:
        out.print("No services are declared; docs/services.md has an example.")


def _look(host: Host, token: str) -> "HostServices":
    from rollcall.services import commands, observed
    from rollcall.services.listing import HostServices

    containers = observed.containers(Shell(host).read(commands.inspect_all()))
    if not containers:
        return HostServices(host.name, (), {}, {})
    agent, checks = AgentClient(host, token).read_all(["/v1/agent/services", "/v1/agent/checks"])
    return HostServices(host.name, tuple(containers.values()), agent, checks)


def _print(found: "list[Row]") -> None:
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for head in ("service", "version", "since (UTC)", "serving", "hosts", "routes"):
        table.add_column(head, overflow="fold")
    for row in found:
        table.add_row(
            row.name,
            ", ".join(row.versions) or "–",
            row.since[:DATE].replace("T", " ") or "–",
            f"{row.serving} of {row.declared}",
            ", ".join(row.hosts) or "–",
            ", ".join(row.routes) or "–",
        )
    out.print(table, soft_wrap=False)
    for row in found:
        for remark in row.remarks:
            out.print(f"– {row.name}: {remark}", markup=False)
