"""`rollcall backup`: keep what a fleet cannot get back otherwise in one encrypted file, and check such a file."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from rollcall import __version__
from rollcall.cli.backup.backup_key import KeySource, key_options
from rollcall.components.loading import checked_fleet
from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Inventory
from rollcall.console import out, step
from rollcall.errors import RollcallError

if TYPE_CHECKING:
    from rollcall.backup.archive import Backup
    from rollcall.backup.snapshot import Snapshot


@click.command()
@click.argument("source", metavar="INVENTORY", required=False)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option(
    "--check",
    "checked",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Restore FILE into a Consul that is thrown away, on this machine, and count its keys.",
)
@click.option("--image", metavar="IMAGE", help="With --check: the image of that Consul; by default the fleet's own.")
@key_options
def backup(
    source: str | None,
    *,
    file: Path | None,
    checked: Path | None,
    image: str | None,
    key: KeySource,
) -> None:
    """Write Consul's state, the secrets and the settings of INVENTORY into one encrypted FILE (age, mode 0600).

    FILE is by default the inventory's name with the time, in the current folder. Nothing on the fleet changes.
    """
    if checked:
        if source:
            raise click.UsageError("--check FILE excludes INVENTORY.")
        _check(checked, image, key)
        return
    if not source:
        raise click.UsageError("Missing argument 'INVENTORY'.")
    if image:
        raise click.UsageError("--image needs --check FILE.")
    _write(source, file, key)


def _write(source: str, file: Path | None, key: KeySource) -> None:
    from rollcall.backup import archive, encryption, local_files

    started = time.monotonic()
    chosen, fleet = checked_fleet(source)
    now = datetime.now(UTC)
    file = file or Path(f"{fleet.name}-{now:%Y-%m-%dT%H%M%SZ}.backup.age")
    if not file.parent.is_dir():
        raise RollcallError(f"{file}: {file.parent} is no folder")
    chosen_key = key.read(new=True)
    with step("Taking a snapshot of Consul, the secrets and the settings"):
        taken = _taken(source, chosen, fleet, f"{now:%Y-%m-%d %H:%M:%S}")
    with step(f"Encrypting {file}"):
        local_files.write(file, encryption.encrypt(archive.pack(taken), chosen_key))
    size = file.stat().st_size / 1024
    out.print(
        f"\n[green]Backed up[/] {taken} to {file} ({size:.0f} KiB) in {time.monotonic() - started:.1f} s. Keep it and "
        f"its {'key' if key.key_file else 'passphrase'} apart. Next: rollcall backup --check {file}"
    )


def _taken(source: str, chosen: Inventory, fleet: Fleet, created: str) -> "Backup":
    from rollcall.backup import archive, local_files, snapshot
    from rollcall.backup.consul_state import ConsulState
    from rollcall.consul.leader import leader
    from rollcall.contract import local_agent
    from rollcall.remote.tunnel import tunnel
    from rollcall.secrets.deployed import directory, read_secrets

    secrets = read_secrets(source, chosen, fleet, "rollcall backup")
    folder, token = directory(source, chosen, "rollcall backup"), secrets.tokens.secret("management")
    before = local_files.secrets(folder)
    host = leader(source, chosen, fleet, token)
    if host is None:
        raise RollcallError(f"Consul has no leader, and gives no snapshot without one; see rollcall status {source}")
    with tunnel(host, [local_agent.ENDPOINT]) as reached:
        data = ConsulState(reached[local_agent.ENDPOINT], token).save()
    whole = snapshot.read(data, f"the snapshot from {host.name}")
    if local_files.secrets(folder) != before:
        raise RollcallError(f"{folder} changed meanwhile, as by a rotation; run the same command again")
    image = fleet.servers[0].settings.consul.image
    manifest = archive.Manifest(secrets.identity.fleet, Path(source).stem, created, __version__, image)
    return archive.Backup(manifest, whole, before, local_files.settings(chosen.root, Path(chosen.source)))


def opened(file: Path, key: KeySource) -> "Backup | Snapshot":
    """Decrypt and read a backup, or a snapshot as Consul's servers make them.

    Raises:
        RollcallError: it is damaged, or another key opens it.
    """
    from rollcall.backup import archive, encryption, local_files, snapshot

    data = local_files.read(file)
    if snapshot.is_compressed(data):
        return snapshot.read(data, str(file))
    if not encryption.is_encrypted(data):
        raise RollcallError(
            f"{file}: not a backup of Rollcall; expected a file that `rollcall backup` wrote, or a snapshot of Consul"
        )
    return archive.unpack(encryption.decrypt(data, key.read(new=False), str(file)), str(file))


def _check(file: Path, image: str | None, key: KeySource) -> None:
    from rollcall.backup import trial
    from rollcall.backup.archive import Backup
    from rollcall.config.settings import Consul

    started = time.monotonic()
    found = opened(file, key)
    whole = found if isinstance(found, Backup) else None
    image = image or (whole.manifest.consul_image if whole else str(Consul.model_fields["image"].default))
    with step(f"Restoring it into a Consul of {image} without a network"):
        counts = trial.restored(found, image)
    also = f", {len(whole.secrets)} files of secrets, {len(whole.settings)} of settings" if whole else ""
    out.print(
        f"\n[green]Whole:[/] {found}: {counts}{also}; restored and removed again in "
        f"{time.monotonic() - started:.1f} s. To restore it: rollcall restore INVENTORY {file}"
    )
