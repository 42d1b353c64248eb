"""`rollcall curl`: send one request to Consul's HTTP API, with a hidden token."""

import sys

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.consul.pick_agent import pick_agent
from rollcall.errors import RollcallError
from rollcall.secrets.deployed import read_secrets

API = "/v1/"
SUCCESS = range(200, 300)


@click.command()
@inventory_argument
@click.argument("path")
@click.option("-X", "--request", "method", type=click.Choice(("GET", "PUT", "DELETE")), help="GET; PUT with --data.")
@click.option("-d", "--data", help="The request's body; - for standard input.")
@click.option("--limit", multiple=True, metavar="HOST|GROUP", help="Use the agent of this host; by default a server's.")
@click.option("--management", is_flag=True, help="Use the management token, for ACLs.")
def curl(
    source: str, path: str, method: str | None, data: str | None, *, limit: tuple[str, ...], management: bool
) -> None:
    """Send a request to Consul's HTTP API: rollcall curl INVENTORY /v1/catalog/services | jq.

    Standard output is Consul's response as it came. Exit code: 0 for a status of 200 to 299, else 1.
    """
    check_path(path)
    if data is not None and method in ("GET", "DELETE"):
        raise click.UsageError(f"--data requires PUT, got {method}.")
    body = sys.stdin.read() if data == "-" else data or ""
    chosen, fleet = checked_fleet(source, limit)
    tokens = read_secrets(source, chosen, fleet, "rollcall curl").tokens
    agent = AgentClient(pick_agent(source, chosen), tokens.secret("management" if management else "operator"))
    response = agent.response(Request(method or ("GET" if data is None else "PUT"), path, body))  # type: ignore[arg-type]
    click.echo(response.body, nl=False)
    if response.status not in SUCCESS:
        newline = "\n" if response.body and not response.body.endswith("\n") else ""
        click.echo(newline, nl=False, err=True)
        raise RollcallError(f"Consul returned {response.status} for {path.partition('?')[0]}")


def check_path(path: str) -> None:
    """Raise RollcallError unless a path belongs to Consul's API."""
    if not path.startswith(API) or not path.isprintable() or " " in path:
        raise RollcallError(f"PATH: got {path!r}; expected a path of Consul's API, such as {API}catalog/services")
