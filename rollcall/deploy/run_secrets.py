"""Provide the fleet's secrets during a run: those of a new fleet stay in memory until a host is touched."""

import os
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Lock

from pyinfra import logger

from rollcall.components import acme, front
from rollcall.components.service import service_secrets
from rollcall.config import project
from rollcall.config.inventory import host_of
from rollcall.deploy import inventory_layers, operations, this_run
from rollcall.errors import RollcallError
from rollcall.secrets import deployed, store
from rollcall.secrets.private_directory import PrivateDirectory

_reading = Lock()
# A directory that cannot exist.
_NOWHERE = Path(os.devnull) / "none"


def read() -> store.Secrets:
    """Read the fleet's secrets, or create those of a new fleet in memory until a host is touched."""
    # While waiting for the hosts, another host's greenlet may enter.
    with _reading:
        return _read_secrets()


@lru_cache(maxsize=1)
def _read_secrets() -> store.Secrets:
    return store.read(directory(), this_run.fleet())


def keep() -> None:
    """Write new secrets to the control machine before any host changes."""
    if directory().pending:
        directory().check_can_commit()
        _announce()
        operations.keep_secrets(name="Secrets", directory=directory())


@lru_cache(maxsize=1)
def _announce() -> None:
    """Announce new secrets with the first host, for all."""
    if not store.folder_is_complete(directory().path):
        operations.announce([f"make the fleet's secrets in {directory().path}"])


@lru_cache(maxsize=1)
def directory() -> PrivateDirectory:
    """Return the directory of the fleet's secrets, as a draft. Raises RollcallError: they are missing here."""
    root = project.root_of(this_run.inventory_file())
    named = deployed.folder_of(root, this_run.inventory_file())
    hosts = tuple(host_of(entry, root) for entry in inventory_layers.of_this_run())
    return PrivateDirectory(deployed.find(named, hosts) or named, draft=True)


@lru_cache(maxsize=1)
def arbitrary() -> store.Secrets:
    """Return arbitrary secrets: a removal finds resources by name, and the fleet's own secrets may be lost."""
    return store.read(PrivateDirectory(_NOWHERE, draft=True), this_run.fleet())


def warn(name: str) -> None:
    """Log once what will require action by the user."""
    if name == this_run.fleet().members[0].name:
        for sentence in store.warnings(read(), datetime.now(UTC)):
            logger.warning(sentence)


@lru_cache(maxsize=1)
def check_of_services() -> None:
    """Check that each secret of a service and of the fronts has a value. Raises RollcallError: one has none."""
    locate, inventory = this_run.locate(), this_run.inventory_file()
    for sentence in service_secrets.check_values(this_run.fleet(), read().services, str(inventory), locate):
        raise RollcallError(sentence)
    for check in (front.check_users, acme.check_secrets):
        for sentence in check(this_run.fleet(), read(), str(inventory), locate):
            raise RollcallError(sentence)
