"""Find the secrets that a fleet was deployed with, by the inventory's name or by the identity on its hosts."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.errors import RollcallError
from rollcall.remote import parallel
from rollcall.remote.run import Shell
from rollcall.secrets.identity import IDENTITY, ON_HOSTS, Identity
from rollcall.secrets.private_directory import PrivateDirectory

if TYPE_CHECKING:
    from rollcall.secrets.store import Secrets


def folder_of(project: Path, inventory: str | Path) -> Path:
    """Return the folder of an inventory's secrets: named after the inventory, within the project.

    `inventories/eu/production.py` has `.secrets/eu.production`, `inventories/production.py` has `.secrets/production`.
    """
    return project / ".secrets" / ".".join(_own_name(project.resolve(), Path(inventory).resolve()))


def _own_name(project: Path, inventory: Path) -> tuple[str, ...]:
    if not inventory.is_relative_to(project):
        return (inventory.stem,)
    inside = inventory.relative_to(project)
    among_others = project / "inventories" / inside
    if inside.parts[0] == "inventories":
        inside = inside.relative_to("inventories")
    elif among_others.is_file():
        return ("project", *inside.with_suffix("").parts)
    return inside.with_suffix("").parts


def read_secrets(source: str, chosen: Inventory, fleet: Fleet, command: str) -> "Secrets":
    """Read the secrets of a deployed fleet; create and renew nothing.

    Args:
        source: the inventory as the user typed it.
        chosen: the hosts whose identity is read if there are no secrets under the inventory's name.
        fleet: its hosts.
        command: the command that needs the secrets, for the error.

    Raises:
        RollcallError: the secrets are missing here or unusable.
    """
    # cryptography is slow to import; usage errors need not wait for it.
    from rollcall.secrets import store

    # What a deploy would renew early is still valid: to a command that only looks, the hosts' certificate is right.
    return store.read(PrivateDirectory(directory(source, chosen, command), draft=True), fleet, renewal=timedelta(0))


def directory(source: str, chosen: Inventory, command: str) -> Path:
    """Find the directory of a deployed fleet. Raises as `read_secrets` does."""
    named = folder_of(chosen.root, chosen.source)
    if found := find(named, chosen.hosts):
        return found
    raise RollcallError(
        f"{command} needs the secrets of a deployed fleet: {named} has none, and no host of {source} is deployed; "
        f"run: rollcall deploy {source}"
    )


def for_values(named: Path, hosts: tuple[Host, ...]) -> Path:
    """Return the directory that a deploy will use, also of a fleet that was never deployed.

    Raises:
        RollcallError: as `find`; hosts are asked only if another fleet's secrets stand beside.
    """
    if (named / IDENTITY).exists() or not any(named.parent.glob(f"*/{IDENTITY}")):
        return named
    return find(named, hosts) or named


def find(named: Path, hosts: tuple[Host, ...]) -> Path | None:
    """Find the directory of the fleet that these hosts belong to; None if they were never deployed.

    It is the one named after the inventory. If that is missing, the identity on the hosts finds a directory beside it:
    the inventory was renamed, or deployed by a version that named directories differently.

    Raises:
        RollcallError: the secrets of the hosts' fleet are missing here, or a host does not respond.
    """
    if PrivateDirectory(named, draft=True).has(IDENTITY):
        return named
    deployed = identities(hosts)
    if not deployed:
        return None
    name, identity = next(iter(deployed.items()))
    for other in sorted(named.parent.glob(f"*/{IDENTITY}")):
        if (found := _read(other)) and found.fleet == identity.fleet:
            return other.parent
    raise RollcallError(
        f"{name} was deployed with secrets that are not here (fleet {identity.fleet}): {named} is missing; restore it "
        "from a backup or from where the fleet was deployed, or start over with rollcall remove"
    )


def identities(hosts: tuple[Host, ...]) -> dict[str, Identity]:
    """Read the identity of each host that was deployed. Raises RollcallError: a host does not respond."""
    texts = parallel.on_each(hosts, lambda host: Shell(host).run(f"cat {ON_HOSTS}").output)
    found = {}
    for host, text in zip(hosts, texts, strict=True):
        if text.strip():
            try:
                found[host.name] = Identity.read(text)
            except ValueError:
                continue  # edited by hand: another host has it, or the deploy corrects it
    return found


def _read(file: Path) -> Identity | None:
    try:
        return Identity.read(file.read_text("ascii"))
    except (OSError, ValueError):
        return None  # malformed or unreadable, so not this fleet's
