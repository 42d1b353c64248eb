"""Groups that give roles, and names so near to theirs that they must be slips."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rollcall.config.fleet import RawHost
from rollcall.config.setting_location import variable
from rollcall.did_you_mean import typo_of
from rollcall.errors import RollcallError

ROLES = ("consul_servers", "backends", "fronts")


def check(inventory: Path, hosts: Sequence[RawHost], folders: Iterable[Path]) -> None:
    """Refuse a group, and a file of group data, whose name is a mistyped role; any other name is free.

    Args:
        inventory: its file. pyinfra makes a group of all hosts by that name.
        hosts: all hosts of the inventory.
        folders: where group data stands.

    Raises:
        RollcallError: the first of them.
    """
    of_file = inventory.stem if all(inventory.stem in host.groups for host in hosts) else ""
    for group in sorted({group for host in hosts for group in host.groups} - {of_file}):
        if meant := typo_of(group, ROLES):
            raise RollcallError(f"{variable(inventory, group)}: {group}: unknown group; did you mean {meant}?")
    inventories = {file.stem for file in inventory.parent.glob("*.py")} if inventory.is_file() else set()
    for folder in folders:
        for file in sorted(folder.glob("*.py")):
            if file.stem not in inventories and (meant := typo_of(file.stem, ROLES)):
                raise RollcallError(f"{variable(file, '')}: settings of an unknown group; did you mean {meant}.py?")


def check_declared(inventory: Path, declared: Mapping[str, Any]) -> None:
    """Refuse a role whose hosts are no list: pyinfra leaves such a variable out, or takes a name's letters for hosts.

    Raises:
        RollcallError: the first of them.
    """
    for name, value in declared.items():
        if name not in ROLES and not typo_of(name, ROLES):
            continue
        members = value[0] if isinstance(value, tuple) and value else value
        if not isinstance(members, list | tuple) or not all(isinstance(one, str | tuple) for one in members):
            raise RollcallError(
                f"{variable(inventory, name)}: {name}: got {_shown(value)}; "
                f'expected a list of hosts, such as {name} = ["host1"] or [("host1", {{"address": "10.0.0.11"}})]'
            )


def _shown(value: Any) -> str:
    # Data of hosts may hold secrets.
    return repr(value) if isinstance(value, str) else f"a {type(value).__name__} of another form"
