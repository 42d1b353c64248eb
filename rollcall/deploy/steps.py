"""Provide the steps of deploy.py and remove.py: the thin shell between pyinfra and the pure core."""

import logging
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property, lru_cache, wraps
from pathlib import Path
from threading import Lock
from typing import ParamSpec, TypeVar

from pyinfra import host, logger
from pyinfra import state as run
from pyinfra.api.exceptions import PyinfraError

from rollcall import crash_report
from rollcall.components import (
    access,
    consul,
    declared,
    dns,
    keepalived,
    loading,
    resolver_files,
    template_sync,
    template_sync_validation,
)
from rollcall.components.component import Component, Context
from rollcall.config import project, validation
from rollcall.config.fleet import Fleet, Locate, Member, RawHost
from rollcall.config.inventory import host_of, raw_host
from rollcall.consul import servers
from rollcall.consul.acl import listed, requests
from rollcall.consul.agent_queries import HEALTH, POLICIES, TOKENS, command, command_on_servers
from rollcall.contract.timeouts import stretched
from rollcall.converge import preflight, roles
from rollcall.converge.changes import Change
from rollcall.converge.host_state import HostState
from rollcall.converge.leftovers import everything, leftovers
from rollcall.converge.plan import plan
from rollcall.converge.resources import Container, Resource
from rollcall.deploy import images, inventory_layers, operations, readiness, role_removal
from rollcall.deploy.acl_readiness import AccessConverged
from rollcall.deploy.facts import HostFact
from rollcall.deploy.host_query import Reading, facts, reading
from rollcall.deploy.server_leave import ServerLeaves
from rollcall.errors import RollcallError
from rollcall.secrets import deployed, store
from rollcall.secrets.identity import check_identity
from rollcall.secrets.private_directory import PrivateDirectory

# A fresh cluster elects its leader within 2–3 s; a restarted server is a healthy voter again after autopilot's next
# check, every 2 s. So half a minute means a fault.
CONSUL_TIMEOUT_SECONDS = 60.0
# Consul and TLS tolerate a far larger difference of clocks, but logs no longer match, and fresh certificates are not
# valid yet.
CLOCK_TOLERANCE_SECONDS = 30
# A registrator or front on a busy machine takes a few seconds to stay up.
CONTAINER_TIMEOUT_SECONDS = 30.0
IDENTITY = consul.IDENTITY

Arguments = ParamSpec("Arguments")
Returned = TypeVar("Returned")


@dataclass(frozen=True)
class Site:
    """One host during a deploy."""

    fleet: Fleet
    member: Member
    state: HostState
    desired: Mapping[str, tuple[Resource, ...]]

    @property
    def resources(self) -> list[Resource]:
        """Everything that should be on the host."""
        return [resource for part in self.desired.values() for resource in part]

    @cached_property
    def cluster(self) -> tuple[str, str, str]:
        """Consul's health from every server, its policies and tokens from the first one; empty if not requested."""
        health, policies, tokens = [*self.state.probes.get("consul", "").splitlines(), "", "", ""][:3]
        return health, policies, tokens

    @cached_property
    def plans(self) -> Mapping[str, tuple[Change, ...]]:
        """The planned changes by component. Raises RollcallError: a foreign object has the name of a resource."""
        return {component: plan(resources, self.state) for component, resources in self.desired.items()}


# Hosts of this run whose agent changes; complete before the first change, since pyinfra prepares all hosts first.
_consul_changed: set[str] = set()
# Hosts of this run that lack an image.
_lacked_images: set[str] = set()
_turn = operations.Turn()
_reading = Lock()
# A directory that cannot exist.
_NOWHERE = Path(os.devnull) / "none"


def _log_only_changes() -> None:
    """Omit pyinfra's line for every host and operation that changes nothing, unless -v is given."""
    if not run.print_noop_info:
        logger.addFilter(_is_change)


def _is_change(record: logging.LogRecord) -> bool:
    return not any(words in record.getMessage() for words in ("No changes", "Skipped"))


def _step(function: Callable[Arguments, Returned]) -> Callable[Arguments, Returned]:
    """Convert an exception of a step into one sentence that ends the run; pyinfra would print a traceback."""

    @wraps(function)
    def guarded(*arguments: Arguments.args, **named: Arguments.kwargs) -> Returned:
        try:
            return function(*arguments, **named)
        except PyinfraError:
            raise
        except RollcallError as problem:
            raise PyinfraError(str(problem)) from None
        except Exception as error:
            raise PyinfraError(crash_report.sentence(error)) from None

    return guarded


@_step
def site(components: Sequence[Component]) -> Site | None:
    """Read the host that pyinfra is preparing; return None if that fails, and pyinfra continues with the other hosts.

    Raises:
        PyinfraError: a setting of any host is invalid, or a host belongs to another fleet; no host has been touched.
    """
    role_removal.begin()
    here = _look(components, _secrets)
    if here and _left_out(preflight.problems(here.state.machine, len(_missing_images(here)))):
        here = None
    if here:
        check_identity(here.member.name, here.state.texts.get(IDENTITY, ""), _secrets().identity)
        _check_membership(here)
        _check_templates(here)
        _keep_secrets()
        if sentence := dns.not_held(here.member, facts(here.state).resolver):
            logger.warning(sentence)
    _warn(host.name)
    role_removal.look(_lost_roles(here) if here else ())
    return here


def _look(components: Sequence[Component], secrets: Callable[[], store.Secrets]) -> Site | None:
    _log_only_changes()
    fleet = _fleet()
    member = fleet.member(host.name)
    fleet_secrets = secrets()
    state = _read(fleet, member, reading(fleet, member, fleet_secrets, components))
    if state is None:
        return None
    _check_host(member, state)
    context = Context(fleet, member, facts(state), fleet_secrets)
    return Site(fleet, member, state, declared.resources(context, components))


def _read(fleet: Fleet, member: Member, read: Reading) -> HostState | None:
    probes = {**dict(read.probes), "platform": images.PLATFORM}
    probes["consul"] = command(HEALTH, POLICIES, TOKENS) if member == fleet.servers[0] else command_on_servers(HEALTH)
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
    return None if _left_out([state.engine_error] if state.engine_error else []) else state


def _left_out(problems: Sequence[str]) -> bool:
    """Log the host's problems and skip the host if it has any; pyinfra continues with the other hosts."""
    for problem in problems:
        logger.error(f"{host.print_prefix}{problem}")
    if problems:
        run.fail_hosts({run.inventory.get_host(host.name)})
    return bool(problems)


def _check_host(member: Member, state: HostState) -> None:
    if state.user != 0:
        raise RollcallError(
            f"{member.name}: ssh_user: got a user with uid {state.user}; expected 'root', or another user together "
            "with `_sudo = True`"
        )
    if member.address not in (*state.addresses, "127.0.0.1"):
        raise RollcallError(
            f"{member.name}: address: got {member.address}; expected one of the host's addresses: "
            f"{', '.join(state.addresses)}"
        )
    if why := keepalived.no_interface(member, state.interfaces) or dns.unusable(member, facts(state).resolver):
        raise RollcallError(why)
    memory = member.settings.consul.memory
    most = preflight.fitting(memory, state.machine.memory)
    if memory > most and "memory" in member.settings.consul.model_fields_set:
        raise RollcallError(
            f"{_locate()(member.name, ('consul', 'memory'))}consul.memory: got {memory}; expected at most {most}, "
            f"three quarters of the memory of {member.name}"
        )
    skew = abs(state.clock - time.time())
    if skew > CLOCK_TOLERANCE_SECONDS:
        raise RollcallError(
            f"{member.name}: its clock differs from this machine's by {skew:.0f} s; expected less than "
            f"{CLOCK_TOLERANCE_SECONDS} s; set it with systemd-timesyncd or chrony"
        )


def _check_membership(here: Site) -> None:
    """Reject changes that would leave a second entry of this host, or a vote without a host, in the cluster."""
    member, texts = here.member, here.state.texts
    if why := consul.renamed(member, texts.get(consul.AGENT, "")):
        raise RollcallError(f"{_locate()(member.name, ('node',))}{why}")
    if why := servers.unlisted(here.cluster[0], [other.address for other in here.fleet.members]):
        raise RollcallError(why)


def _lost_roles(here: Site) -> Sequence[str]:
    name = here.member.name
    lost = roles.removed(name, here.resources, here.state)
    if _leaves_servers(here):
        lost.append(f"{name} leaves consul_servers: this deploy makes its Consul agent a client")
    was_server = consul.was_server(here.state.files)
    if (here.member.is_server or was_server) and (
        why := consul.begins_anew(here.fleet, here.state.texts.get(consul.AGENT, ""))
    ):
        lost.append(why)
    if found := listed(*here.cluster[1:]):
        lost += [
            f"{node} is no longer in the inventory: this deploy removes its agent's token, and its services with it"
            for node in access.hosts_left_out(here.fleet, found)
        ]
    return lost


def _check_templates(here: Site) -> None:
    if not template_sync.containers(here.member):
        return
    coming = [resource.name for resource in here.resources if isinstance(resource, Container)]
    existing = here.state.probes.get("containers", "").split()
    if sentence := template_sync_validation.unknown_container(here.member, existing, coming, _locate()):
        raise RollcallError(sentence)


@lru_cache(maxsize=1)
def _fleet() -> Fleet:
    file = inventory_file()
    return loading.project_fleet(project.root_of(file), file, _hosts())


@lru_cache(maxsize=1)
def _hosts() -> tuple[RawHost, ...]:
    return tuple(raw_host(entry) for entry in inventory_layers.of_this_run())


def _locate() -> Locate:
    return validation.locator(inventory_file(), _hosts())


def _secrets() -> store.Secrets:
    """Read the fleet's secrets, or create those of a new fleet in memory until a host is touched."""
    # While waiting for the hosts, another host's greenlet may enter.
    with _reading:
        return _read_secrets()


@lru_cache(maxsize=1)
def _read_secrets() -> store.Secrets:
    return store.read(_directory(), _fleet())


def _keep_secrets() -> None:
    """Write new secrets to the control machine before any host changes."""
    if _directory().pending:
        _directory().check_can_commit()
        _announce_secrets()
        operations.keep_secrets(name="Secrets", directory=_directory())


@lru_cache(maxsize=1)
def _announce_secrets() -> None:
    """Announce new secrets with the first host, for all."""
    if not store.folder_is_complete(_directory().path):
        operations.announce([f"make the fleet's secrets in {_directory().path}"])


@lru_cache(maxsize=1)
def _directory() -> PrivateDirectory:
    root = project.root_of(inventory_file())
    named = deployed.folder_of(root, inventory_file())
    hosts = tuple(host_of(entry, root) for entry in inventory_layers.of_this_run())
    return PrivateDirectory(deployed.find(named, hosts) or named, draft=True)


@lru_cache(maxsize=1)
def _any_secrets() -> store.Secrets:
    """Return arbitrary secrets: a removal finds resources by name, and the fleet's own secrets may be lost."""
    return store.read(PrivateDirectory(_NOWHERE, draft=True), _fleet())


def _warn(name: str) -> None:
    """Log once what will require action by the user."""
    if name == _fleet().members[0].name:
        for sentence in store.warnings(_secrets(), datetime.now(UTC)):
            logger.warning(sentence)


def inventory_file() -> Path:
    """Return the inventory's path from pyinfra's command line; pyinfra does not pass it to deploys."""
    for argument in sys.argv[1:]:
        if argument.endswith(".py") and Path(argument).is_file():
            return Path(argument)
    return Path(os.devnull)


@_step
def bring_images(here: Site) -> None:
    """Bring every image that the host lacks, on all hosts at the same time.

    Raises:
        PyinfraError: this machine lacks an image to push, or has it only for another platform.
    """
    if missing := list(_missing_images(here).values()):
        platform = here.state.probes.get("platform", "").strip()
        images.check(here.member.name, missing, platform)
        operations.announce(images.lines(missing))
        images.bring(name="Images", missing=missing, platform=platform)
        _lacked_images.add(host.name)
    operations.hold_without_images(name="Every host has its images", lacking=_lacked_images)


def _missing_images(here: Site) -> Mapping[str, Container]:
    """Return the images that the host lacks, each with a container that uses it."""
    containers = (resource for resource in here.resources if isinstance(resource, Container))
    return {container.image: container for container in containers if container.image not in here.state.engine.images}


@_step
def converge(here: Site, component: Component) -> None:
    """Bring one component of a host to its desired state.

    Raises:
        PyinfraError: an object that is not Rollcall's has the name of a resource.
    """
    if changes := _plan(here, component.name):
        operations.converge(name=component.name, changes=changes)


@_step
def converge_servers(here: Site) -> None:
    """Bring the Consul servers up.

    Replace the servers of a running cluster one at a time, each after the previous one is a healthy voter again. New
    servers start together: they need each other to elect a leader.
    """
    if not here.member.is_server:
        return
    changes = _plan(here, consul.COMPONENT.name)
    if changes:
        _consul_changed.add(host.name)
    if any(change.action == "replace" for change in changes):
        operations.converge_in_turn(
            name="Consul servers, one at a time", changes=changes, turn=_turn, readiness=_consul_ready(here)
        )
    elif changes:
        operations.converge(name="Consul servers", changes=changes)


@_step
def converge_access(here: Site) -> None:
    """Bring Consul's ACLs to their desired state and wait for the cluster, once for all, with the first server."""
    if here.member != here.fleet.servers[0]:
        return
    health, *lists = here.cluster
    wanted = access.desired(here.fleet, _secrets())
    found = listed(*lists)
    planned = requests(wanted, found) if found else ()
    operations.announce([request.text for request in planned])
    if planned or not found:
        converged = AccessConverged(wanted, stretched(CONSUL_TIMEOUT_SECONDS))
        operations.wait(name="Consul's ACLs", readiness=converged, due=lambda: True)
    ready = _consul_ready(here)
    was_ready = not readiness.not_ready(health, ready.servers)
    operations.wait(name="Consul is ready", readiness=ready, due=lambda: bool(_consul_changed) or not was_ready)


@_step
def converge_clients(here: Site) -> None:
    """Bring the Consul agents of the other hosts up, now that their tokens exist.

    Agents that were servers leave the quorum first, one at a time.
    """
    if here.member.is_server:
        return
    if not _leaves_servers(here):
        converge(here, consul.COMPONENT)
    elif changes := _plan(here, consul.COMPONENT.name):
        leave = ServerLeaves(
            here.member.node,
            {server.name: server.node for server in here.fleet.servers},
            stretched(CONSUL_TIMEOUT_SECONDS),
            _secrets().tokens.secret("management"),
        )
        operations.leave_in_turn(
            name="Consul servers that leave, one at a time", changes=changes, turn=_turn, leave=leave
        )


def _leaves_servers(here: Site) -> bool:
    return not here.member.is_server and consul.was_server(here.state.files)


def _consul_ready(here: Site) -> readiness.ConsulReady:
    return readiness.ConsulReady(tuple(member.node for member in here.fleet.servers), stretched(CONSUL_TIMEOUT_SECONDS))


@_step
def wait_for_containers(here: Site) -> None:
    """Wait until every container stays up: `docker run` succeeds even if the program exits a moment later."""
    started = {
        change.name for part in here.desired for change in _plan(here, part) if isinstance(change.resource, Container)
    }
    restarting = {
        name for name, document in here.state.engine.containers.items() if document["State"].get("Restarting")
    }
    watched = tuple(sorted(started | restarting))
    if watched:
        stay_up = readiness.ContainersStayUp(watched, stretched(CONTAINER_TIMEOUT_SECONDS))
        operations.wait(name="Containers stay up", readiness=stay_up, due=lambda: True)


@_step
def remove_leftovers(here: Site) -> None:
    """Remove what Rollcall created here and no component desires any more."""
    if changes := leftovers(here.resources, here.state):
        operations.remove(name="Leftovers", changes=changes)


@_step
def remove_everything() -> None:
    """Remove everything that a deploy put on this host; restore its resolver first, so that names keep resolving."""
    if here := _look(declared.components(project.root_of(inventory_file())), _any_secrets):
        former = resolver_files.withdrawn(here.state.bridge, facts(here.state).resolver)
        operations.converge(name="Resolver", changes=plan(former, here.state))
        operations.remove(name="Everything else", changes=everything(here.state))
        images.remove_or_list(here.resources, here.state.engine)


def _plan(here: Site, component: str) -> tuple[Change, ...]:
    try:
        return here.plans[component]
    except RollcallError as problem:
        raise RollcallError(f"{host.name}: {problem}") from None
