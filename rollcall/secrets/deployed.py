"""The secrets that a fleet was deployed with: found by the inventory's name, or by the identity that its hosts keep."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell

if TYPE_CHECKING:
    from rollcall.secrets.store import Identity, Secrets


def read_secrets(source: str, chosen: Inventory, fleet: Fleet, command: str) -> "Secrets":
    """Read the secrets of a deployed fleet; nothing is made or renewed.

    Args:
        source: the inventory as the user typed it.
        chosen: the hosts that are asked which fleet they belong to, if there are no secrets by the inventory's name.
        fleet: its hosts.
        command: what needs the secrets, for the error sentence.

    Raises:
        RollcallError: they are not here, or cannot be used.
    """
    # cryptography is slow to import; a command line that is wrong need not wait for it.
    from rollcall.secrets import store
    from rollcall.secrets.private_directory import PrivateDirectory

    return store.read(PrivateDirectory(directory(source, chosen, command), draft=True), fleet)


def directory(source: str, chosen: Inventory, command: str) -> Path:
    """Find the directory of a deployed fleet. Raises as `read_secrets` does."""
    from rollcall.secrets.store import folder_of

    named = folder_of(chosen.root, chosen.source)
    if found := find(named, chosen.hosts):
        return found
    raise RollcallError(
        f"{command} needs the secrets of a deployed fleet: {named} has none, and no host of {source} is deployed; "
        f"run: rollcall deploy {source}"
    )


def find(named: Path, hosts: tuple[Host, ...]) -> Path | None:
    """Find the directory of the fleet that these hosts belong to; None if nobody has deployed them.

    It is the one named after the inventory. Without one, the hosts tell which fleet they are, and an inventory that was
    renamed since, or deployed by a version that named directories otherwise, has its secrets beside.

    Raises:
        RollcallError: the hosts are a fleet's whose secrets are not here; or a host does not answer.
    """
    from rollcall.secrets.private_directory import PrivateDirectory
    from rollcall.secrets.store import IDENTITY

    if PrivateDirectory(named, draft=True).has(IDENTITY):
        return named
    deployed = _identities(hosts)
    if not deployed:
        return None
    name, identity = next(iter(deployed.items()))
    for other in sorted(named.parent.glob(f"*/{IDENTITY}")):
        if (found := _read(other)) and found.fleet == identity.fleet:
            return other.parent
    raise RollcallError(
        f"{name} was deployed with secrets that are not here (fleet {identity.fleet}): {named} is missing; restore it "
        "from a backup or from where the fleet was deployed, or begin anew with rollcall remove"
    )


def _identities(hosts: tuple[Host, ...]) -> "dict[str, Identity]":
    from rollcall.secrets.store import ON_HOSTS, Identity

    with ThreadPoolExecutor(max_workers=len(hosts)) as pool:
        texts = pool.map(lambda host: Shell(host).run(f"cat {ON_HOSTS}").output, hosts)
        found = {}
        for host, text in zip(hosts, texts, strict=True):
            if text.strip():
                try:
                    found[host.name] = Identity.read(text)
                except ValueError:
                    continue  # edited by hand: another host tells, or the deploy mends it
    return found


def _read(file: Path) -> "Identity | None":
    from rollcall.secrets.store import Identity

    try:
        return Identity.read(file.read_text("ascii"))
    except (OSError, ValueError):
        return None  # not this fleet's, or not ours to read
