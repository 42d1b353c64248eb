"""Provide what this run of pyinfra is about: its inventory, its hosts, and their fleet."""

import os
import sys
from functools import lru_cache
from pathlib import Path

from rollcall.components import loading
from rollcall.config import project, validation
from rollcall.config.fleet import Fleet, Locate, RawHost
from rollcall.config.inventory import raw_host
from rollcall.deploy import inventory_layers
from rollcall.deploy.services import scope


def inventory_file() -> Path:
    """Return the inventory's path from pyinfra's command line; pyinfra does not pass it to deploys."""
    for argument in sys.argv[1:]:
        if argument.endswith(".py") and Path(argument).is_file():
            return Path(argument)
    return Path(os.devnull)


def typed() -> str:
    """Return the inventory as short as it can be typed in the current folder."""
    file = inventory_file()
    return str(file.relative_to(Path.cwd()) if file.is_relative_to(Path.cwd()) else file)


@lru_cache(maxsize=1)
def hosts() -> tuple[RawHost, ...]:
    """Return the hosts of the inventory, with the layers of their data as this run is to see them."""
    return scope.current().applied(raw_host(entry) for entry in inventory_layers.of_this_run())


_known: list[Fleet] = []


def know(fleet: Fleet) -> None:
    """Take this fleet for the one of this run, whose services are as they are declared."""
    _known[:] = [fleet]


_is_removal: list[bool] = []


def begin_removal() -> None:
    """Let `fleet` be one to take down, whose services may be faulty."""
    _is_removal.append(True)


@lru_cache(maxsize=1)
def fleet() -> Fleet:
    """Return the fleet. Raises RollcallError: a setting of any host is invalid."""
    if _known:
        return _known[0]
    file = inventory_file()
    root = project.root_of(file)
    if _is_removal:
        return loading.removable_fleet(root, file, hosts()).fleet
    return loading.project_fleet(root, file, hosts())


def locate() -> Locate:
    """Return what finds the line of a setting, for errors."""
    return validation.locator(inventory_file(), hosts())
