"""Decide which secrets a fleet has after a restore: those of this machine, or the backup's. No I/O."""

from collections.abc import Mapping

from rollcall.backup.archive import Backup
from rollcall.errors import RollcallError
from rollcall.secrets.identity import IDENTITY, Identity


def adopts(backup: Backup, own: Identity | None, hosts: Mapping[str, Identity], folder: str) -> bool:
    """Return whether the backup's secrets become the fleet's: this machine has none, and no host has others.

    Args:
        backup: the backup.
        own: the identity of this machine's secrets of the inventory, None without any.
        hosts: the identities on the hosts that were deployed before, by name.
        folder: where this machine's secrets are or would be.

    Raises:
        RollcallError: hosts were deployed with secrets that are neither here nor in the backup.
    """
    saved = Identity.read(backup.secrets[IDENTITY].decode())
    for name, identity in hosts.items():
        if own and identity.fleet == own.fleet:
            continue
        if own and identity.fleet == saved.fleet:
            raise RollcallError(
                f"{name} was deployed with the secrets of this backup, and those in {folder} are another fleet's; move "
                f"{folder} away and run the same command again, which brings the backup's back"
            )
        if own or identity.fleet != saved.fleet:
            raise RollcallError(
                f"{name} was deployed with secrets that are neither in {folder} nor in this backup (fleet "
                f"{identity.fleet}); restore them first, or start over with rollcall remove"
            )
        if identity.rotations > saved.rotations:
            raise RollcallError(
                f"{name} has secrets that were rotated {identity.rotations} times, those of the backup "
                f"{saved.rotations} times; expected a later backup, or start over with rollcall remove"
            )
    return own is None
