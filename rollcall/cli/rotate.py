"""`rollcall rotate`: replace a fleet's secrets while it serves."""

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from rollcall.cli.deploy import run_deploy
from rollcall.components.loading import checked_fleet

if TYPE_CHECKING:
    from rollcall.consul.keyring import Keyring
    from rollcall.secrets.rotation import Rotation

from rollcall.cli.parameters import inventory_argument
from rollcall.console import out
from rollcall.consul.pick_agent import pick_agent
from rollcall.contract import local_agent
from rollcall.remote import connectivity
from rollcall.remote.tunnel import tunnel
from rollcall.secrets.deployed import directory, read_secrets
from rollcall.secrets.private_directory import PrivateDirectory

KINDS = ("gossip", "tokens", "certificates", "ca")

Deploy = Callable[[], None]


@click.command()
@inventory_argument
@click.argument("kind", type=click.Choice(KINDS))
def rotate(source: str, kind: str) -> None:
    """Replace secrets of the fleet while it works: the gossip key, all tokens, all certificates, or the CA.

    Deploys renew certificates, too; only this command replaces tokens and keys. If interrupted, run the same command
    again to finish.
    """
    from rollcall.consul.keyring import Keyring
    from rollcall.secrets import store
    from rollcall.secrets.rotation import Rotation, discard_certificates

    chosen, fleet = checked_fleet(source)
    token = read_secrets(source, chosen, fleet, "rollcall rotate").tokens.secret("management")
    folder = PrivateDirectory(directory(source, chosen, "rollcall rotate"))
    connectivity.check(chosen.hosts)
    started = time.monotonic()

    def deploy() -> None:
        run_deploy(chosen)

    if kind == "certificates":
        discard_certificates(folder)
        deploy()
    elif kind == "gossip":
        with tunnel(pick_agent(source, chosen), [local_agent.ENDPOINT]) as reached:
            keyring = Keyring("http://{}:{}".format(*reached[local_agent.ENDPOINT]), token)
            keyring.check_members(member.node for member in fleet.members)
            _gossip(Rotation(folder, store.GOSSIP), keyring, deploy)
    else:
        _in_three_steps(Rotation(folder, store.ROTATED[kind]), kind, deploy)
    seconds = time.monotonic() - started
    out.print(
        f"\n[green]Rotated[/] {kind} on {len(chosen.hosts)} hosts in {seconds:.1f} s. Next: rollcall verify {source}"
    )


def _in_three_steps(rotation: "Rotation", kind: str, deploy: Deploy) -> None:
    _say(1, f"every host accepts the next {kind}, too")
    rotation.issue()
    deploy()
    _say(2, f"every host uses the next {kind}")
    rotation.switch()
    deploy()
    _say(3, f"no host accepts the old {kind} any more")
    rotation.retire()
    deploy()


def _gossip(rotation: "Rotation", keyring: "Keyring", deploy: Deploy) -> None:
    """Rotate the gossip key. Agents distribute keys themselves; the deploy only writes the key for their next start."""
    _say(1, "every agent uses the next gossip key")
    rotation.issue()
    keyring.change(rotation.newest)
    rotation.switch()
    _say(2, "every host has the key for its agent's next start")
    deploy()
    _say(3, "every agent removes the old gossip key")
    keyring.keep_only(rotation.newest)
    rotation.retire()


def _say(number: int, what: str) -> None:
    out.print(f"\n[bold]{number}/3[/] {what}")
