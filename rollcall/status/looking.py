"""Read all hosts in parallel over connections that stay open."""

import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from datetime import UTC, datetime

from rollcall.config.fleet import Fleet, Member
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell
from rollcall.status import host_status
from rollcall.status.fleet_status import FleetStatus, joined
from rollcall.status.host import Host, clock_offset


def looking(stack: ExitStack, shells: Mapping[str, Shell], fleet: Fleet, source: str) -> Callable[[], FleetStatus]:
    """Return a function that reads the status, and whose threads end with the stack.

    Args:
        stack: what the threads end with.
        shells: a shell for each host to read, by its inventory name.
        fleet: all hosts of the inventory.
        source: the inventory as the user typed it.
    """
    pool = stack.enter_context(ThreadPoolExecutor(max_workers=len(shells)))
    members = [fleet.member(name) for name in shells]
    return lambda: joined(fleet, tuple(pool.map(_host, members, shells.values())), datetime.now(UTC), source)


def _host(member: Member, shell: Shell) -> Host:
    command = host_status.command(front=member.is_front, server=member.is_server, scheduler=bool(member.settings.jobs))
    try:
        started = time.time()
        result = shell.run(command)
        if result.code != 0:
            return Host(member, unread=result.reason)
        reading = host_status.parse(result.output)
        return Host(member, reading, clock_offset=clock_offset(reading.clock, started, time.time()))
    except (RollcallError, ValueError) as error:
        return Host(member, unread=str(error))
