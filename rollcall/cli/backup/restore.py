"""`rollcall restore`: bring a fleet's state back from a backup."""

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollcall.cli.backup.backup import opened
from rollcall.cli.backup.backup_key import KeySource, key_options
from rollcall.cli.deploy import run_deploy
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.console import out, step
from rollcall.errors import RollcallError
from rollcall.remote import connectivity

if TYPE_CHECKING:
    from rollcall.backup.archive import Backup
    from rollcall.backup.snapshot import Snapshot
    from rollcall.secrets.store import Secrets


@click.command()
@click.argument("arguments", metavar="[INVENTORY] FILE", type=click.Path(), nargs=-1, required=True)
@click.option(
    "--settings",
    "folder",
    metavar="FOLDER",
    type=click.Path(path_type=Path),
    help="Without INVENTORY: only write the settings in FILE, its inventory too, into an empty FOLDER.",
)
@key_options
@click.option("--yes", is_flag=True, help="Skip the confirmation.")
def restore(
    arguments: tuple[str, ...],
    *,
    folder: Path | None,
    key: KeySource,
    yes: bool,
) -> None:
    """Replace Consul's state in the fleet of INVENTORY by that of FILE, which `rollcall backup` or a server wrote.

    Hosts that have nothing yet are deployed first, with the backup's secrets if this machine has none. A fleet that
    runs keeps its secrets, and its services register again at once.
    """
    expected = 1 if folder else 2
    if len(arguments) != expected:
        form = "--settings FOLDER FILE" if folder else "INVENTORY FILE, or --settings FOLDER FILE"
        raise click.UsageError(f"got {len(arguments)} arguments; expected {form}.")
    found = opened(file := Path(arguments[-1]), key)
    if folder:
        _write_settings(file, found, folder)
        return
    _bring_back(arguments[0], found, yes=yes)


def _write_settings(file: Path, found: "Backup | Snapshot", folder: Path) -> None:
    from rollcall.backup import local_files
    from rollcall.backup.archive import Backup

    if not isinstance(found, Backup):
        raise RollcallError(f"{file}: {found}, and no settings; expected a file of `rollcall backup`")
    local_files.write_settings(folder, found.settings)
    names = (Path(name) for name in found.settings)
    source = next(
        (str(name) for name in names if name.stem == found.manifest.inventory and "group_data" not in name.parts),
        "INVENTORY",
    )
    out.print(
        f"[green]Wrote[/] {len(found.settings)} files of settings into {folder}. Next: give the hosts their new "
        f"addresses in {folder / source}, then: cd {folder} && rollcall restore {source} {file.resolve()}"
    )


def _bring_back(source: str, found: "Backup | Snapshot", *, yes: bool) -> None:
    from rollcall.backup.archive import Backup
    from rollcall.consul.pick_agent import without_agent

    started = time.monotonic()
    chosen, fleet = checked_fleet(source)
    connectivity.check(chosen.hosts)
    whole = found if isinstance(found, Backup) else None
    adopted = whole if whole and _adopts(chosen, whole) else None
    runs = not adopted and _leader(source, chosen, fleet) is not None
    # Some have none after a deploy that failed or was interrupted, as that of an earlier restore.
    bare = without_agent(chosen.hosts)
    if runs and bare:
        out.print(f"– no Consul agent runs on {', '.join(bare)}, so all hosts are deployed first", markup=False)
    if not yes:
        question = (
            f"Replace keys, ACLs and sessions of the running fleet by those of {found}? What was written since is lost."
            if runs
            else f"Deploy {len(chosen.hosts)} hosts and bring {found} back?"
        )
        click.confirm(question, abort=True, err=True)
    if adopted:
        _adopt(chosen, adopted)
    if bare or (not runs and _leader(source, chosen, fleet) is None):
        run_deploy(chosen)
    _restore(source, chosen, fleet, found.snapshot if isinstance(found, Backup) else found)
    out.print(
        f"\n[green]Restored[/] {found} in {time.monotonic() - started:.1f} s. "
        f"Next: rollcall deploy {source}, then: rollcall verify {source}"
    )


def _adopts(chosen: Inventory, found: "Backup") -> bool:
    from rollcall.backup.adoption import adopts
    from rollcall.secrets.deployed import find, folder_of, identities
    from rollcall.secrets.identity import IDENTITY, Identity
    from rollcall.secrets.private_directory import PrivateDirectory

    named = folder_of(chosen.root, chosen.source)
    hosts = identities(chosen.hosts)
    try:
        folder = find(named, chosen.hosts)
    except RollcallError:
        folder = None  # of the backup's fleet, or of an unknown one
    own = Identity.read(PrivateDirectory(folder, draft=True).read(IDENTITY)) if folder else None
    return adopts(found, own, hosts, str(folder or named))


def _adopt(chosen: Inventory, found: "Backup") -> None:
    from rollcall.backup import local_files
    from rollcall.secrets.deployed import folder_of
    from rollcall.secrets.identity import IDENTITY

    folder = folder_of(chosen.root, chosen.source)
    with step(f"Writing the backup's secrets into {folder}"):
        local_files.write_secrets(folder, found.secrets, IDENTITY)


def _secrets(source: str, chosen: Inventory, fleet: Fleet) -> "Secrets":
    from rollcall.secrets.deployed import read_secrets

    return read_secrets(source, chosen, fleet, "rollcall restore")


def _leader(source: str, chosen: Inventory, fleet: Fleet) -> Host | None:
    from rollcall.consul.leader import leader

    try:
        return leader(source, chosen, fleet, "")
    except RollcallError:
        return None  # no agent runs


def _restore(source: str, chosen: Inventory, fleet: Fleet, found: "Snapshot") -> None:
    from rollcall.backup.consul_state import ConsulState
    from rollcall.backup.restoration import Restoration
    from rollcall.components import access
    from rollcall.consul.agent_client import AgentClient
    from rollcall.contract import local_agent
    from rollcall.hosts.membership import Membership
    from rollcall.remote.tunnel import tunnel

    secrets, host = _secrets(source, chosen, fleet), _leader(source, chosen, fleet)
    if host is None:
        raise RollcallError(f"Consul has no leader, and takes no snapshot without one; see rollcall status {source}")
    token = secrets.tokens.secret("management")
    agent = AgentClient(host, token)
    Membership(agent).check_unlocked()
    restoration = Restoration(fleet, agent, {one.name: one for one in chosen.hosts}, secrets.tokens)
    snapshot = restoration.fitting(found)
    with step(f"Consul restores the snapshot, through {host.name}"):
        with tunnel(host, [local_agent.ENDPOINT]) as reached:
            ConsulState(reached[local_agent.ENDPOINT], token).restore(snapshot.data)
        restoration.wait_for_leader()
    with step("The hosts' tokens have their rights again"):
        restoration.converge_access(access.desired(fleet, secrets))
        restoration.release_lock()
    with step("Every service is registered again"):
        if snapshot is not found:
            restoration.list_members()
        restoration.compare_now()
        restoration.wait_for_catalog()
