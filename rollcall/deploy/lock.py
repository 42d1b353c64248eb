"""Hold the fleet's lock while a deploy changes hosts, so that two deploys do not mix (docs/operating.md)."""

import atexit
from collections.abc import Generator
from dataclasses import dataclass

import gevent
from gevent.lock import BoundedSemaphore
from pyinfra import logger
from pyinfra import state as run
from pyinfra.api import operation
from pyinfra.api.command import PyinfraCommand

from rollcall.config import project
from rollcall.config.inventory import host_of
from rollcall.consul import deploy_lock
from rollcall.consul.deploy_lock import Lock
from rollcall.consul.fleet_lock import FleetLock, has_ended, this_process
from rollcall.consul.servers import by_name
from rollcall.deploy import callbacks, inventory_layers, operations, program, readiness, run_secrets, this_run
from rollcall.deploy.site import Site
from rollcall.errors import RollcallError

NAME = "Lock of the fleet"
# Operations of every run, which change nothing. All others are there only where something is to change.
IDLE = {
    NAME,
    readiness.CONSUL_IS_READY,
    operations.EVERY_HOST_HAS_ITS_IMAGES,
    operations.CLIENTS_COME_AFTER_SERVERS,
}


@dataclass
class _ThisRun:
    """What is known of the lock in this run.

    `seen`: as the first server's agent showed it, None if it was not read. `without`: why Consul can give none.
    """

    seen: Lock | None = None
    without: str = ""
    asked: bool = False
    refused: bool = False
    held: FleetLock | None = None


_this_run = _ThisRun()
_asking = BoundedSemaphore()


def look(here: Site) -> None:
    """Remember the lock as it was read with the hosts, and refuse to go on while another deploy changes them.

    Raises:
        RollcallError: another deploy has it. No host has been touched.
    """
    if here.lock is None:
        return
    if by_name(here.cluster[0]) is None:
        _this_run.without = here.cluster[0]
        return
    lock = _this_run.seen = deploy_lock.read(here.lock)
    if lock is None or lock.holder is None or has_ended(lock.holder):
        return
    if not inventory_layers.is_dry():
        raise RollcallError(lock.holder.sentence)
    logger.warning(f"Another deploy is changing these hosts: {lock.holder.sentence}")


@operation()
def hold() -> Generator[PyinfraCommand, None, None]:
    """Take the lock before the first change, once for all hosts; a run that changes nothing needs none.

    Every host fails if another deploy has it; none has been touched.
    """
    if run.is_executing and any(not one.names <= IDLE for one in run.op_meta.values()):
        with _asking:
            if not _this_run.asked:
                _this_run.asked = True
                _take()
        if _this_run.refused:
            yield callbacks.command(lambda _state, _host: False)


def _take() -> None:
    try:
        token = run_secrets.read().tokens.secret("operator")
    except RollcallError:
        return  # a removal works without the fleet's secrets
    root = project.root_of(this_run.inventory_file())
    servers = {member.name for member in this_run.fleet().servers}
    agents = [host_of(entry, root) for entry in inventory_layers.of_this_run() if entry["name"] in servers]
    lock = FleetLock(agents, token, this_process(program.command()))
    seen, why = _this_run.seen, _this_run.without
    try:
        why = why or lock.acquire(seen)
    except RollcallError as problem:
        logger.error(str(problem))
        _this_run.refused = True
        return
    if why:
        logger.warning(f"Consul gives no lock ({why}): nothing keeps another deploy away from these hosts meanwhile")
        return
    gevent.spawn(_keep, lock)
    _this_run.held = lock
    atexit.register(release)


def release() -> None:
    """Give the lock back, at the end of this process at the latest."""
    if _this_run.held:
        _this_run.held.release()


def _keep(lock: FleetLock) -> None:
    """Renew the lock until this process ends."""
    while True:
        gevent.sleep(deploy_lock.RENEWAL_SECONDS)
        if why := lock.renew():
            logger.warning(f"This deploy has lost its lock, and goes on without: {why}")
            return
