"""`rollcall maintenance`: show a maintenance page in place of a route."""

import json

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.front import route
from rollcall.config.front.route import Route
from rollcall.config.inventory import Host
from rollcall.console import out
from rollcall.consul import kv
from rollcall.consul.agent_client import AgentClient
from rollcall.consul.pick_agent import pick_agent
from rollcall.contract.front_lists import STATUS
from rollcall.contract.maintenance_page import MAX_LENGTH, PREFIX, sentences
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell
from rollcall.secrets.deployed import read_secrets


@click.command()
@inventory_argument
@click.argument("text", metavar="[ROUTE]", required=False)
@click.argument("state", metavar="[on|off]", type=click.Choice(["on", "off"]), required=False)
@click.option("--text", "sentence", default="", metavar="SENTENCE", help="The page's text; by default a general one.")
def maintenance(source: str, text: str | None, state: str | None, sentence: str) -> None:
    """Show visitors of a route a maintenance page: rollcall maintenance INVENTORY shop.example.com/api on.

    Its status is 503 with Retry-After; other routes continue. ROUTE is HOST/PATH, or "/" for all of the default site.
    Without on or off: print the routes with a page. They are in Consul, at rollcall/front/maintenance/HOST/PATH, and
    every front follows within a second.
    """
    if sentence and state != "on":
        raise click.UsageError("--text requires on.")
    check_sentence(sentence)
    chosen, fleet = checked_fleet(source)
    names = {member.settings.front.server_name.lower() for member in fleet.members if member.is_front}
    wanted = route.read(text, names) if text else None
    token = read_secrets(source, chosen, fleet, "rollcall maintenance").tokens.secret("operator")
    agent = AgentClient(pick_agent(source, chosen), token)
    found = {key: _route(key, names) for key in kv.keys(agent, PREFIX)}
    if wanted and state == "on":
        _check_served(chosen.group("fronts"), wanted)
        agent.write(kv.put(wanted.key, sentence))
    elif wanted and state == "off":
        same = [key for key, one in found.items() if one == wanted]
        agent.write(*map(kv.delete, same or [wanted.key]))
    _show(agent, names, wanted)


def check_sentence(sentence: str) -> None:
    """Raise RollcallError unless a page can show a sentence."""
    if len(sentence) > MAX_LENGTH or not sentence.isprintable():
        raise RollcallError(
            f"--text: got {len(sentence)} characters; expected one line of at most {MAX_LENGTH} printable ones"
        )


def _check_served(fronts: tuple[Host, ...], wanted: Route) -> None:
    """Raise RollcallError if the fronts report their routes and this one is not among them."""
    served = [one for front in fronts for one in _served(front)]
    if served:
        route.check(wanted, served)


def _served(front: Host) -> list[Route]:
    try:
        routes = json.loads(Shell(front).read(STATUS))["routes"]
        return [Route(route["host"], route["path"]) for route in routes]
    except (RollcallError, ValueError, KeyError, TypeError) as error:
        out.print(f"– cannot read the routes of {front.name}: {error}", markup=False)
        return []


def _route(key: str, names: set[str]) -> Route:
    [(host, path)] = sentences({key: ""}, "")
    return Route("" if host in names else host, path)


def _show(agent: AgentClient, names: set[str], only: Route | None) -> None:
    # Consul's own UI creates folders, which fronts ignore.
    pages = {key: text for key, text in kv.keys(agent, PREFIX).items() if not key.endswith("/")}
    found = {_route(key, names): text for key, text in pages.items()}
    shown = {one: text for one, text in found.items() if only in (None, one)}
    for one, text in sorted(shown.items(), key=lambda pair: str(pair[0])):
        out.print(
            f"{one}: maintenance page, {json.dumps(text, ensure_ascii=False) if text else 'general'}", markup=False
        )
    if not shown:
        out.print(f"{only or 'No route'}: no maintenance page" if only else "No route shows a maintenance page.")
