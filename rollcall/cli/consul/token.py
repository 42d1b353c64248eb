"""`rollcall token`: print a temporary Consul token, for CONSUL_HTTP_TOKEN."""

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.consul import temporary_token
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.secrets.deployed import read_secrets


@click.command()
@inventory_argument
@click.option("--read-only", is_flag=True, help="A token that reads services, nodes and keys, and changes nothing.")
@click.option("--ttl", default="1h", metavar="DURATION", help="How long it is valid: 1m to 24h, by default 1h.")
def token(source: str, read_only: bool, ttl: str) -> None:
    """Print a new token for a shell: export CONSUL_HTTP_TOKEN=$(rollcall token INVENTORY --read-only).

    Consul removes it after that time. Without --read-only it may do everything except ACLs.
    """
    duration = temporary_token.seconds(ttl)
    chosen, fleet = checked_fleet(source)
    management = read_secrets(source, chosen, fleet, "rollcall token").tokens.secret("management")
    agent = AgentClient(pick_agent(source, chosen), management)
    (made,) = agent.documents(temporary_token.request(duration, read_only=read_only))
    click.echo(temporary_token.secret(made))
    kind = "only reads" if read_only else "may do everything except ACLs"
    click.echo(f"It {kind} and is valid for {ttl}; Consul then removes it.", err=True)
