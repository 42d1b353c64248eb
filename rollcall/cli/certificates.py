"""`rollcall certificates`: show the certificate of every site, and renew one now."""

import json
import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import click

from rollcall.cli.parameters import inventory_argument
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.console import out
from rollcall.contract.front_lists import STATUS
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell

SOURCES = {"file": "your file", "acme": "ACME", "fleet": "the fleet's own, which no browser trusts"}


@click.command()
@inventory_argument
@click.option("--renew", "name", metavar="NAME", help="Order a new certificate for this name now.")
def certificates(source: str, name: str | None) -> None:
    """Show each site's name, its certificate's issuer and end, the next order or renewal, and the last error.

    With --renew, the fronts order a new certificate for a name that front.acme lists; the old one serves until then.
    Exit code: 1 if a front could not be read, or a certificate has an error.
    """
    chosen, fleet = checked_fleet(source)
    if name:
        _renew(source, chosen, fleet, name.lower())
        return
    found, is_unread = {}, False
    for front in chosen.group("fronts"):
        try:
            found[front.name] = _read(front)
        except (RollcallError, ValueError, KeyError, TypeError) as error:
            out.print(f"✗ {front.name}: cannot read its certificates: {error}", markup=False)
            is_unread = True
    _show(found)
    has_error = any(certificate["error"] for sites in found.values() for certificate in sites)
    sys.exit(1 if is_unread or has_error else 0)


def _read(front: Host) -> list[dict[str, Any]]:
    return list(json.loads(Shell(front).read(STATUS))["certificates"])


def _show(found: Mapping[str, list[dict[str, Any]]]) -> None:
    """Print each certificate once, with the fronts that show it if not all do."""
    fronts: dict[str, list[str]] = {}
    for front, sites in found.items():
        for site in sites:
            fronts.setdefault(line(site), []).append(front)
    for text in sorted(fronts):
        where = "" if len(fronts[text]) == len(found) else f" (on {', '.join(fronts[text])})"
        out.print(f"{text}{where}", markup=False)
    if found and not fronts:
        out.print("No site has a name; the fleet's own certificate serves them all.")


def line(site: Mapping[str, Any]) -> str:
    """Describe a site's certificate in one line."""
    kind = SOURCES.get(site["source"], site["source"])
    if site["source"] == "fleet" and site["file"]:
        kind = "none of its own, so it shows the default site's,"
    parts = [f"{kind} {site['file']}".rstrip()]
    if site["issuer"]:
        parts.append(f"issued by {site['issuer']}")
    if site["end"]:
        parts.append(f"until {_day(site['end'])}")
    if site["next_try"]:
        parts.append(f"next try {_minute(site['next_try'])}")
    text = f"{site['name']}: {', '.join(parts)}"
    return f"✗ {text}; {site['error']}" if site["error"] else f"✓ {text}"


def _day(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d}"


def _minute(text: str) -> str:
    return f"{datetime.fromisoformat(text):%Y-%m-%d %H:%M} UTC"


def _renew(source: str, chosen: Inventory, fleet: Fleet, name: str) -> None:
    from rollcall.consul import kv
    from rollcall.consul.agent_client import AgentClient
    from rollcall.consul.pick_agent import pick_agent
    from rollcall.contract.acme_names import may_order
    from rollcall.secrets.deployed import read_secrets

    patterns = [
        pattern
        for member in fleet.members
        if member.settings.front.acme
        for pattern in member.settings.front.acme.names
    ]
    if not may_order(name, patterns):
        raise RollcallError(f"--renew: got {name!r}; expected a name that front.acme.names lists")
    served = {site["name"] for front in chosen.group("fronts") for site in _read(front)}
    if name not in served:
        raise RollcallError(
            f"--renew: got {name!r}, which no front routes; expected one of {', '.join(sorted(served))}"
        )
    token = read_secrets(source, chosen, fleet, "rollcall certificates").tokens.secret("operator")
    AgentClient(pick_agent(source, chosen), token).write(kv.request_renewal(name))
    out.print(f"{name}: a new certificate is being ordered; see rollcall certificates {source}", markup=False)
