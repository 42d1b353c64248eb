"""Read the host that pyinfra is preparing, in one command."""

import inspect
import logging
from collections.abc import Callable, Sequence
from functools import partial

from pyinfra import host, logger
from pyinfra import state as run
from pyinfra.api import util

from rollcall.components import declared, template_sync
from rollcall.components.component import Component, Context
from rollcall.config.fleet import Fleet, Member
from rollcall.consul.agent_queries import EVERY_SERVER, FIRST_SERVER, command, command_on_servers
from rollcall.converge.host_state import HostState
from rollcall.deploy import host_checks, image_digests, this_run
from rollcall.deploy.facts import HostFact
from rollcall.deploy.host_query import Reading, facts, reading
from rollcall.deploy.site import Site
from rollcall.secrets import store


def read(components: Sequence[Component], secrets: Callable[[], store.Secrets], *, pin: bool) -> Site | None:
    """Read the host; return None if that fails, and pyinfra continues with the other hosts.

    Args:
        components: the project's.
        secrets: the fleet's.
        pin: resolve the tags of services' images.

    Raises:
        RollcallError: the host is not the one that the inventory means, or lacks what a deploy needs.
    """
    _log_only_changes()
    _order_by_lines_alone()
    fleet = this_run.fleet()
    fleet_secrets = secrets()
    if pin:
        fleet = image_digests.pinned(fleet, fleet.member(host.name), host, fleet_secrets.registries)
    member = fleet.member(host.name)
    state = _read(fleet, member, reading(fleet, member, fleet_secrets, components))
    if state is None:
        return None
    host_checks.check_host(member, state)
    context = Context(fleet, member, facts(state), fleet_secrets)
    return Site(fleet, member, state, declared.resources(context, components))


def _read(fleet: Fleet, member: Member, read: Reading) -> HostState | None:
    probes = dict(read.probes)
    first = member == fleet.servers[0]
    probes["consul"] = command(*FIRST_SERVER) if first else command_on_servers(*EVERY_SERVER)
    if template_sync.containers(member):
        probes["containers"] = "docker ps --all --format '{{.Names}}'"
    state = host.get_fact(
        HostFact,
        wanted=read.wanted,
        paths=read.paths,
        texts=read.texts,
        probes=tuple(probes.items()),
        directories=read.directories,
    )
    if not isinstance(state, HostState):
        return None
    return None if skip([state.engine_error] if state.engine_error else []) else state


def skip(problems: Sequence[str]) -> bool:
    """Log the host's problems and skip the host if it has any; pyinfra continues with the other hosts."""
    for problem in problems:
        logger.error(f"{host.print_prefix}{problem}")
    if problems:
        run.fail_hosts({run.inventory.get_host(host.name)})
    return bool(problems)


def _log_only_changes() -> None:
    """Omit pyinfra's line for every host and operation that changes nothing, unless -v is given."""
    if not run.print_noop_info:
        logger.addFilter(_is_change)


def _order_by_lines_alone() -> None:
    """Spare pyinfra the source of its callers, of whom it uses only files and lines, to order operations.

    Looking for it takes a tenth of the processor time of a deploy with nothing to do.
    """
    util.stack = partial(inspect.stack, 0)
    util.getframeinfo = partial(inspect.getframeinfo, context=0)


def _is_change(record: logging.LogRecord) -> bool:
    return not any(words in record.getMessage() for words in ("No changes", "Skipped"))
