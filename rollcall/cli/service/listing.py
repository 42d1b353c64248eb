"""`rollcall services`: show the version and the state of each declared service."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.console import out
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.errors import RollcallError
from rollcall.remote import connectivity, parallel
from rollcall.remote.run import Shell
from rollcall.secrets.deployed import read_secrets

if TYPE_CHECKING:
    from rich.table import Table

    from rollcall.services.jobs import JobRow
    from rollcall.services.listing import HostServices, Row

DATE = len("2026-11-28T23:59")


@click.command()
@inventory_argument
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def services(source: str, as_json: bool) -> None:
    """Show each service: its version, since when, how many containers serve of those declared, hosts, and routes.

    A container serves if it runs, passes its checks in Consul, and nobody took it out of service. Of a job:
    when it runs next, and how it ended last. Exit code: 1 if a host could not be read.
    """
    from rollcall.services.listing import rows

    chosen, fleet = checked_fleet(source)
    token = read_secrets(source, chosen, fleet, "rollcall services").tokens.secret("operator")
    seen, unread = _look_at_all(chosen.hosts, token)
    found = rows(fleet, seen)
    scheduled = _jobs(source, chosen, fleet, token)
    if as_json:
        documents = [*map(asdict, found), *map(asdict, scheduled)]
        click.echo(json.dumps(documents, indent=2, ensure_ascii=False))
    elif found or scheduled:
        _print(found)
        _print_jobs(scheduled)
    else:
        out.print("No services are declared; docs/services.md has an example.")
    if unread:
        raise RollcallError(f"without the containers of {'; '.join(unread)}")


def _look_at_all(hosts: Sequence[Host], token: str) -> "tuple[list[HostServices], list[str]]":
    """Return what each host has, and why others could not be read.

    Raises:
        RollcallError: none could.
    """

    def tried(host: Host) -> "HostServices | str":
        try:
            return _look(host, token)
        except RollcallError as problem:
            return f"{host.name}: {problem}"

    looks = parallel.on_each(hosts, tried)
    unread = [look for look in looks if isinstance(look, str)]
    if len(unread) == len(looks):
        connectivity.check(hosts)  # its sentence is shorter: one for all hosts
        raise RollcallError("; ".join(unread))
    return [look for look in looks if not isinstance(look, str)], unread


def _look(host: Host, token: str) -> "HostServices":
    from rollcall.services import commands, observed
    from rollcall.services.listing import HostServices

    containers = observed.containers(Shell(host).read(commands.inspect_all()))
    if not containers:
        return HostServices(host.name, (), {}, {})
    agent, checks = AgentClient(host, token).read_all(["/v1/agent/services", "/v1/agent/checks"])
    return HostServices(host.name, tuple(containers.values()), agent, checks)


def _jobs(source: str, chosen: Inventory, fleet: Fleet, token: str) -> "list[JobRow]":
    from rollcall.services import jobs

    if not jobs.declared(fleet):
        return []
    agent = AgentClient(pick_agent(source, chosen), token)
    return jobs.rows(fleet, jobs.states(agent.read(jobs.STATES)), datetime.now(UTC))


def _print_jobs(found: "list[JobRow]") -> None:
    from rollcall.contract.jobs import when

    if not found:
        return
    table = _table("job", "version", "schedule", "next (UTC)", "last result", "ended (UTC)", "now")
    for row in found:
        table.add_row(
            row.name,
            row.version,
            when(row.schedule, row.timezone),
            _date(row.next),
            row.result,
            _date(row.last.ended) if row.last else "–",
            f"runs on {row.running} since {_date(row.since)}" if row.running else "–",
        )
    out.print(table, soft_wrap=False)
    for row in found:
        for remark in row.remarks:
            out.print(f"– {row.name}: {remark}", markup=False)


def _date(time: str) -> str:
    return time[:DATE].replace("T", " ") or "–"


def _table(*heads: str) -> "Table":
    from rich import box
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for head in heads:
        table.add_column(head, overflow="fold")
    return table


def _print(found: "list[Row]") -> None:
    if not found:
        return
    table = _table("service", "version", "since (UTC)", "serving", "hosts", "routes")
    for row in found:
        table.add_row(
            row.name,
            ", ".join(row.versions) or "–",
            _date(row.since),
            f"{row.serving} of {row.declared}",
            ", ".join(row.hosts) or "–",
            ", ".join(row.routes) or "–",
        )
    out.print(table, soft_wrap=False)
    for row in found:
        for remark in row.remarks:
            out.print(f"– {row.name}: {remark}", markup=False)
