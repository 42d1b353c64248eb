"""Read an inventory and return its fleet, validated by the project's components.

Every command imports this module, so it defers slow imports (pydantic, cryptography): `--help` and usage errors stay
fast.
"""

import socket
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from rollcall.config import inventory
from rollcall.config.fleet import Fleet, Locate, RawHost
from rollcall.config.layers import SERVICES, merged
from rollcall.contract import timeouts
from rollcall.errors import RollcallError

if TYPE_CHECKING:
    from rollcall.components.component import Component


def checked_fleet(
    source: str, limit: Sequence[str] = (), reader: inventory.Reader | None = None
) -> tuple[inventory.Inventory, Fleet]:
    """Read an inventory and validate every host's settings, including hosts outside the limit.

    Raises:
        RollcallError: the inventory, the limit, a setting, or the project's deploy.py is invalid.
    """
    whole = inventory.read(source, reader=reader)
    chosen = inventory.limited(whole, limit, source)
    return chosen, project_fleet(whole.root, Path(whole.source), [host.raw for host in whole.hosts])


def checked_for_removal(source: str, reader: inventory.Reader) -> tuple[inventory.Inventory, str]:
    """Read the inventory of a fleet to take down, and return the fault of its services, "" if there is none.

    Raises:
        RollcallError: as `checked_fleet`, for a fault outside of `services`.
    """
    whole = inventory.read(source, reader=reader)
    return whole, removable_fleet(whole.root, Path(whole.source), [host.raw for host in whole.hosts]).problem


def project_fleet(root: Path, file: Path, hosts: Sequence[RawHost]) -> Fleet:
    """Turn an inventory's raw data into a fleet, by the project's group data, templates, files and components.

    Raises:
        RollcallError: a group, a setting, or the project's deploy.py is wrong.
    """
    from rollcall.components import declared, template_files
    from rollcall.config import groups, local_files, validation

    groups.check(file, hosts, (root / "group_data", file.parent / "group_data"))
    template_files.search(root)
    local_files.relative_to(root)
    locate = validation.locator(file, hosts)
    components = declared.components(root)
    fleet = check(file.stem, hosts, socket.gethostname(), locate, components)
    declared.check_complete(root, fleet, components)
    return fleet


@dataclass(frozen=True)
class Removable:
    """A fleet to take down. `problem` is the fault of its `services`, which it then lacks; "" if there is none."""

    fleet: Fleet
    problem: str = ""


def removable_fleet(root: Path, file: Path, hosts: Sequence[RawHost]) -> Removable:
    """Return a fleet to take down: its services may be faulty, since a removal finds their containers on the hosts.

    Raises:
        RollcallError: as `project_fleet`, for a fault outside of `services`.
    """
    try:
        return Removable(project_fleet(root, file, hosts))
    except RollcallError as problem:
        try:
            return Removable(project_fleet(root, file, [_without_services(host) for host in hosts]), str(problem))
        except RollcallError:
            raise problem from None


def _without_services(host: RawHost) -> RawHost:
    layers = tuple(
        replace(layer, data={key: value for key, value in layer.data.items() if key != SERVICES})
        for layer in host.layers
    )
    return replace(host, data=merged(layers), layers=layers)


def check(
    name: str, hosts: Sequence[RawHost], local_hostname: str, locate: Locate, components: "Sequence[Component]"
) -> Fleet:
    """Convert an inventory's raw data into a validated fleet.

    Raises:
        RollcallError: the first fault, in one sentence.
    """
    from rollcall.components.component import Check
    from rollcall.config import validation

    fleet = validation.check(name, hosts, local_hostname, locate)
    # A command uses one timeout for all hosts, so the slowest host decides.
    timeouts.use(member.settings.timeout_factor for member in fleet.members)
    reserved = frozenset(name for component in components for name in component.containers)
    for member in fleet.members:
        for component in components:
            component.validate(Check(fleet, member, reserved, locate))
    return fleet
