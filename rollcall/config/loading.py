"""From an inventory to a fleet whose settings are checked, for every command."""

import socket
from collections.abc import Sequence
from pathlib import Path

from rollcall.config import inventory, validation
from rollcall.config.fleet import Fleet, RawHost


def checked_fleet(source: str, limit: Sequence[str] = ()) -> tuple[inventory.Inventory, Fleet]:
    """Read an inventory and check every host's settings, also of hosts outside the limit.

    Raises:
        RollcallError: the inventory, the limit or a setting is wrong.
    """
    whole = inventory.read(source)
    chosen = inventory.read(source, limit) if limit else whole
    hosts = [RawHost(host.name, frozenset(host.groups), host.data) for host in whole.hosts]
    file = Path(whole.source)
    fleet = validation.check(file.stem, hosts, socket.gethostname(), validation.locator(whole.root, file, hosts))
    return chosen, fleet
