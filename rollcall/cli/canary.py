"""`rollcall canary`: give the instances with a tag a share of a service's requests."""

import json

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.console import out
from rollcall.consul import canary_shares, kv
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.contract import canary as document
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import path_segment
from rollcall.secrets.deployed import read_secrets


@click.command()
@inventory_argument
@click.argument("service", metavar="[SERVICE]", required=False)
@click.argument("shares", metavar="[TAG=PERCENT]...", nargs=-1)
@click.option("--clear", is_flag=True, help="Share the requests among all instances again.")
def canary(source: str, service: str | None, shares: tuple[str, ...], clear: bool) -> None:
    """Give a share of a service's requests to the instances with a tag: rollcall canary INVENTORY shop-80 v2=10.

    The rest goes to the instances without these tags; new shares replace earlier ones. Without shares: print the
    current ones. They are in Consul, at rollcall/front/canary/SERVICE, and every front follows within a second.
    """
    percents = canary_shares.read(shares)
    if clear and (shares or not service):
        raise click.UsageError("--clear requires a SERVICE and no TAG=PERCENT.")
    chosen, fleet = checked_fleet(source)
    token = read_secrets(source, chosen, fleet, "rollcall canary").tokens.secret("operator")
    agent = AgentClient(pick_agent(source, chosen), token)
    if not service:
        _show_all(agent)
        return
    key = document.PREFIX + service
    if clear:
        agent.write(kv.delete(key))
    else:
        canary_shares.check(percents, service, agent.read("/v1/catalog/services"))
    if percents:
        agent.write(kv.put(key, json.dumps(percents)))
    _show(agent, service)


def _show_all(agent: AgentClient) -> None:
    found = kv.keys(agent, document.PREFIX)
    if not found:
        out.print("No service has a canary.")
    for key in sorted(found):
        _show(agent, key.removeprefix(document.PREFIX))


def _show(agent: AgentClient, service: str) -> None:
    text = kv.keys(agent, document.PREFIX + service).get(document.PREFIX + service)
    passing = agent.read(f"/v1/health/service/{path_segment(service)}?passing=true")
    try:
        percentages = None if text is None else document.read(text)
    except ValueError as error:
        raise RollcallError(f"Consul's key {kv.PREFIX}{document.PREFIX}{service} {error}") from None
    tags = [instance["Service"]["Tags"] or () for instance in passing]
    out.print(canary_shares.words(service, percentages, tags), markup=False)
