"""Provide the steps of deploy.py that bring Consul up: servers in turn, then ACLs, then clients."""

from collections.abc import Sequence
from functools import lru_cache, partial

from pyinfra import host
from pyinfra.api.host import Host
from pyinfra.api.state import State

from rollcall.components import access, backups, consul
from rollcall.consul.acl import listed, requests
from rollcall.contract.timeouts import stretched
from rollcall.converge.changes import Change
from rollcall.deploy import operations, readiness, run_secrets
from rollcall.deploy.consul import consul_upgrade, deployed_agents
from rollcall.deploy.consul.acl_readiness import AccessConverged
from rollcall.deploy.consul.rejoin import Rejoin
from rollcall.deploy.consul.server_leave import ServerLeaves
from rollcall.deploy.services_return import ServicesReturn
from rollcall.deploy.site import Site
from rollcall.deploy.step import step

# A fresh cluster elects its leader within 2–3 s; a restarted server is a healthy voter again after autopilot's next
# check, every 2 s. So half a minute means a fault.
CONSUL_TIMEOUT_SECONDS = 60.0
# An agent takes a silent server for dead after up to 24 s, and its address for free half a minute later.
REJOIN_TIMEOUT_SECONDS = 120.0

# Hosts of this run whose agent changes; complete before the first change, since pyinfra prepares all hosts first.
_consul_changed: set[str] = set()
# Hosts of this run whose server gets another image.
_servers_upgraded: set[str] = set()
_turn = operations.Turn()
# Clients after servers: a newer client may not understand older servers.
_clients_turn = operations.Turn(after=_turn)


@step
def converge_servers(here: Site) -> None:
    """Bring the Consul servers up.

    Replace the servers of a running cluster one at a time, each after the previous one is a healthy voter again. New
    servers start together: they need each other to elect a leader.
    """
    if not here.member.is_server:
        return
    changes = here.changes(consul.COMPONENT.name)
    if changes:
        _consul_changed.add(host.name)
    if here.consul_upgrade:
        _servers_upgraded.add(host.name)
        name, save = host.name, _snapshot(here)
        operations.save_first(
            name="Consul's state is saved", turn=_turn, save=save, due=lambda: name == min(_servers_upgraded)
        )
    if here.former_address and _restarts(changes):
        operations.move_in_turn(
            name="Consul servers that have another address, one at a time, the leader last",
            changes=changes,
            turn=_turn,
            move=operations.Move(partial(_leave_to_move, here), partial(_rejoin, here)),
            is_last=partial(consul_upgrade.leads, address=here.former_address),
        )
    elif _restarts(changes):
        operations.converge_in_turn(
            name="Consul servers, one at a time, the leader last",
            changes=changes,
            turn=_turn,
            readiness=_consul_ready(here),
            may_begin=_may_restart(here, here.member.node),
            is_last=partial(consul_upgrade.leads, address=here.member.address),
        )
    elif changes:
        operations.converge(name="Consul servers", changes=changes)


@step
def converge_access(here: Site) -> None:
    """Bring Consul's ACLs to their desired state and wait for the cluster, once for all, with the first server."""
    if here.member != here.fleet.servers[0]:
        return
    health, *lists = here.cluster
    wanted = access.desired(here.fleet, run_secrets.read())
    found = listed(*lists)
    planned = requests(wanted, found) if found else ()
    operations.announce([request.text for request in planned])
    if planned or not found:
        converged = AccessConverged(wanted, stretched(CONSUL_TIMEOUT_SECONDS))
        operations.wait(name="Consul's ACLs", readiness=converged, due=lambda: True)
    ready = _consul_ready(here)
    was_ready = not readiness.not_ready(health, ready.servers)
    operations.wait(name=readiness.CONSUL_IS_READY, readiness=ready, due=lambda: bool(_consul_changed) or not was_ready)


@step
def converge_clients(here: Site) -> None:
    """Bring the Consul agents of the other hosts up, now that their tokens exist.

    Agents that were servers leave the quorum first, one at a time. Running agents restart one at a time, each after
    the services of the previous one pass their checks again.
    """
    operations.barrier(name=operations.CLIENTS_COME_AFTER_SERVERS)
    if here.member.is_server:
        return
    changes = here.changes(consul.COMPONENT.name)
    if not changes:
        return
    if here.leaves_servers:
        leave = ServerLeaves(
            here.member.node,
            {server.name: server.node for server in here.fleet.servers},
            stretched(CONSUL_TIMEOUT_SECONDS),
            run_secrets.read().tokens.secret("management"),
        )
        operations.leave_in_turn(
            name="Consul servers that leave, one at a time", changes=changes, turn=_turn, leave=leave
        )
    elif _restarts(changes):
        token = run_secrets.read().tokens.secret("operator")
        services = ServicesReturn(stretched(CONSUL_TIMEOUT_SECONDS), token)
        operations.converge_in_turn(
            name="Consul agents, one at a time",
            changes=changes,
            turn=_clients_turn,
            readiness=services,
            may_begin=_may_restart(here, ""),
            is_last=lambda _host: False,
        )
    else:
        operations.converge(name=consul.COMPONENT.name, changes=changes)


def _restarts(changes: Sequence[Change]) -> bool:
    return any(change.action == "replace" for change in changes)


# Both are called once all hosts are read, when it is known which servers there are.
def _leave_to_move(here: Site, state: State, host: Host) -> bool:
    leave = ServerLeaves(
        here.member.node,
        deployed_agents.servers(here),
        stretched(CONSUL_TIMEOUT_SECONDS),
        run_secrets.read().tokens.secret("management"),
        is_cut_off=here.former_address not in here.state.addresses,
    )
    return leave(state, host)


def _rejoin(here: Site, state: State, host: Host) -> bool:
    deadline, token = stretched(CONSUL_TIMEOUT_SECONDS), run_secrets.read().tokens.secret("management")
    ready = readiness.ConsulReady((*deployed_agents.servers(here).values(), here.member.node), deadline)
    others, moving = deployed_agents.others(here), deployed_agents.moving(here)
    rejoin = Rejoin(here.member.address, others, stretched(REJOIN_TIMEOUT_SECONDS), token, moving)
    return rejoin(state, host) and ready(state, host)


def _consul_ready(here: Site) -> readiness.ConsulReady:
    return readiness.ConsulReady(tuple(member.node for member in here.fleet.servers), stretched(CONSUL_TIMEOUT_SECONDS))


@lru_cache(maxsize=1)
def _fronts(names: tuple[str, ...]) -> consul_upgrade.Fronts:
    """Return the fronts of this run, one object for all hosts: the first look at them counts."""
    return consul_upgrade.Fronts(names)


def _may_restart(here: Site, server: str) -> consul_upgrade.MayRestart:
    deadline = stretched(CONSUL_TIMEOUT_SECONDS)
    fronts = _fronts(tuple(front.name for front in here.fleet.fronts))
    return consul_upgrade.MayRestart(server, len(here.fleet.servers), fronts, deadline)


def _snapshot(here: Site) -> consul_upgrade.Snapshot:
    servers = here.fleet.servers
    return consul_upgrade.Snapshot(
        here.consul_upgrade,
        {server.name: server.address for server in servers},
        {server.name: backups.directory(server) for server in servers},
        run_secrets.read().tokens.secret("management"),
    )
