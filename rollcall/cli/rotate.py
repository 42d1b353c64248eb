"""`rollcall rotate`: replace a fleet's secrets while it serves."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollcall import waiting
from rollcall.cli.deploy import run_deploy
from rollcall.components.loading import checked_fleet

if TYPE_CHECKING:
    from rollcall.config.fleet import Fleet, Locate
    from rollcall.consul.agent_client import AgentClient
    from rollcall.consul.keyring import Keyring
    from rollcall.secrets.rotation import Rotation

from rollcall.cli.parameters import inventory_argument
from rollcall.console import out
from rollcall.consul.pick_agent import pick_agent
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.remote import connectivity
from rollcall.remote.tunnel import tunnel
from rollcall.secrets.deployed import directory, read_secrets
from rollcall.secrets.private_directory import PrivateDirectory

KINDS = ("gossip", "tokens", "certificates", "ca", "acme")
# A front's program takes the lock of one that died within half a minute.
SEALED_TIMEOUT_SECONDS = 90

Deploy = Callable[[], None]


@click.command()
@inventory_argument
@click.argument("kind", type=click.Choice(KINDS))
def rotate(source: str, kind: str) -> None:
    """Replace secrets of the fleet while it works: the gossip key, all tokens, all certificates, or the CA.

    `acme` replaces the key that encrypts the certificates by ACME in Consul.

    Deploys renew certificates, too; only this command replaces tokens and keys. If interrupted, run the same command
    again to finish.
    """
    from rollcall.config import validation
    from rollcall.consul.agent_client import AgentClient
    from rollcall.consul.keyring import Keyring
    from rollcall.secrets import store
    from rollcall.secrets.rotation import Rotation, discard_certificates

    chosen, fleet = checked_fleet(source)
    if kind == "acme":
        _check_acme(source, fleet, validation.locator(Path(chosen.source), [host.raw for host in chosen.hosts]))
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
    elif kind == "acme":
        client = AgentClient(pick_agent(source, chosen), token)
        rotation = Rotation(folder, store.ACME_KEY)
        _in_three_steps(rotation, "ACME key", deploy, lambda: _wait_until_sealed(client, rotation.newest))
    else:
        _in_three_steps(Rotation(folder, store.ROTATED[kind]), kind, deploy)
    seconds = time.monotonic() - started
    out.print(
        f"\n[green]Rotated[/] {kind} on {len(chosen.hosts)} hosts in {seconds:.1f} s. Next: rollcall verify {source}"
    )


def _in_three_steps(rotation: "Rotation", kind: str, deploy: Deploy, wait: Callable[[], None] = lambda: None) -> None:
    """Rotate a secret; `wait` returns once nothing needs the old one any more."""
    _say(1, f"every host accepts the next {kind}, too")
    rotation.issue()
    deploy()
    _say(2, f"every host uses the next {kind}")
    rotation.switch()
    deploy()
    wait()
    _say(3, f"no host accepts the old {kind} any more")
    rotation.retire()
    deploy()


def _check_acme(source: str, fleet: "Fleet", locate: "Locate") -> None:
    """Raise RollcallError if there is nothing to encrypt, before any host is asked."""
    if any(member.settings.front.acme for member in fleet.fronts):
        return
    if not fleet.fronts:
        raise RollcallError(f"acme: {source} has no host in fronts, so no certificates by ACME, and no such key")
    raise RollcallError(
        f"{locate(fleet.fronts[0].name, ('front', 'acme'))}front.acme: not set on any front, so there is no such key; "
        'expected {"email": "ops@example.com", "names": ["shop.example.com"]} (docs/https.md)'
    )


def _wait_until_sealed(client: "AgentClient", key: str) -> None:
    """Wait until the fronts have encrypted every certificate in Consul with this key.

    Raises:
        RollcallError: they did not in time.
    """
    from rollcall.consul import kv
    from rollcall.contract import acme_keys

    def is_sealed() -> bool:
        return kv.value_of(client, acme_keys.SEALED_BY) == acme_keys.fingerprint(key)

    if not waiting.until(is_sealed, stretched(SEALED_TIMEOUT_SECONDS), pause_seconds=1):
        raise RollcallError(
            "the fronts have not encrypted their certificates with the next key; see docker logs acme there, "
            "and then run the same command again"
        )


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
