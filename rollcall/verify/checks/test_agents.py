"""Check Consul itself: an agent on every host, a leader, a quorum."""

import time
from collections.abc import Callable, Collection

from rollcall.consul import members
from rollcall.contract.timeouts import stretched
from rollcall.verify.catalog import AGENT_ERRORS, failure
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.cluster import Cluster

# Autopilot calls a server stable, and makes it a voter, 10 s after it joined (ServerStabilizationTime).
STABLE_TIMEOUT_SECONDS = 20
# The leader lists an agent that came back under its name a moment later.
LISTED_TIMEOUT_SECONDS = 5
# It looks every two seconds (ServerHealthInterval); one look at a busy server may fail, three are no chance.
UNHEALTHY_SECONDS = 6
Report = Callable[[str], None]


def test_every_agent_is_alive(cluster: Cluster, passed: Report) -> None:
    """Every host's Consul agent is alive, for Consul's servers too"""
    silent = _silent(cluster)
    responding = {member.node: member.name for member in cluster.members if member.name not in silent}
    steps: dict[str, str] = {}

    def problems() -> list[str]:
        misjudged = members.misjudged(responding, _views(cluster, silent))
        steps.update({responding[one.node]: one.step for one in misjudged})
        found = silent | {responding[one.node]: str(one) for one in misjudged}
        return [f"{member.name}: {found[member.name]}" for member in cluster.members if member.name in found]

    if left := wait_until_none(problems, LISTED_TIMEOUT_SECONDS, cluster.begun):
        host = left[0].partition(": ")[0]
        raise CheckError(
            f"{len(cluster.members)} agents that respond and are alive in gossip",
            left,
            cluster.command_line(host, steps.get(host, "docker logs --tail 20 consul")),
        )
    passed(f"every agent is alive: {len(cluster.members)} of {len(cluster.members)}")


def _silent(cluster: Cluster) -> dict[str, str]:
    """Return the hosts whose agent does not respond, with the reasons."""
    found = {}
    for member in cluster.members:
        try:
            cluster.catalog.agents[member.name].agent.self()
        except AGENT_ERRORS as problem:
            found[member.name] = failure(problem)
    return found


def _views(cluster: Cluster, silent: Collection[str]) -> dict[str, tuple[members.Agent, ...]]:
    """Return what each of Consul's servers that knows a leader knows of gossip; without them, what any agent knows."""
    found = {}
    for member in (one for one in cluster.members if one.is_server and one.name not in silent):
        agent = cluster.catalog.agents[member.name]
        try:
            if agent.status.leader():
                found[member.name] = members.read(agent.agent.members())
        except AGENT_ERRORS:
            continue
    return found or {"others": members.read(cluster.catalog.any_agent().agent.members())}


def test_every_member_is_in_the_inventory(cluster: Cluster, passed: Report) -> None:
    """Gossip knows no agent that is in no inventory"""
    found = members.read(cluster.catalog.any_agent().agent.members())
    unlisted = members.unlisted(found, [member.node for member in cluster.fleet.members])
    if unlisted:
        raise CheckError(
            "every member of Consul in the inventory",
            list(map(members.words, unlisted)),
            members.step(unlisted[0], cluster.source, cluster.fleet.names),
        )
    passed("every member of Consul is in the inventory")


def test_every_agent_has_its_name(cluster: Cluster, passed: Report) -> None:
    """Consul keeps no agent's name for one before that lost its data"""

    def locked_out() -> list[str]:
        agent = cluster.catalog.any_agent()
        found, registered = members.read(agent.agent.members()), members.registered(agent.catalog.nodes()[1])
        return [one.node for one in members.locked_out(found, registered)]

    if left := wait_until_none(locked_out, LISTED_TIMEOUT_SECONDS, cluster.begun):
        raise CheckError(
            "every agent registered under its own id",
            [f"{node}: {members.LOCKED_OUT}" for node in left],
            members.way_back(left[0], cluster.source),
        )
    passed("no agent is locked out of its name")


def test_every_agent_is_of_its_kind(cluster: Cluster, passed: Report) -> None:
    """Agents are servers or clients as in the inventory, in the right datacenter"""
    problems, servers = [], 0
    for member in cluster.members:
        try:
            config = cluster.catalog.agents[member.name].agent.self()["Config"]
        except AGENT_ERRORS as problem:
            problems.append(f"{member.name}: {failure(problem)}")
            continue
        wanted = {
            "NodeName": member.node,
            "Server": member.is_server,
            "Datacenter": member.settings.consul.datacenter,
        }
        servers += member.is_server
        problems += [
            f"{member.name}: {key} is {config[key]!r}, not {value!r}"
            for key, value in wanted.items()
            if config[key] != value
        ]
    if problems:
        raise CheckError("agents as in the inventory", problems, f"rollcall deploy {cluster.source}")
    clients, datacenter = len(cluster.members) - servers, cluster.members[0].settings.consul.datacenter
    kinds = [f"{number} {kind}{'s' * (number != 1)}" for number, kind in ((servers, "server"), (clients, "client"))]
    passed(f"agents are of the right kind: {', '.join(kinds)}, in {datacenter}")


def test_leader_and_quorum(cluster: Cluster, passed: Report) -> None:
    """There is a leader, and every server is a healthy voter"""
    servers = cluster.fleet.servers

    def problems() -> list[str]:
        health = cluster.catalog.any_agent().operator.autopilot_health()
        found = {server["Name"]: server for server in health.get("Servers") or ()}
        missing = [server.node for server in servers if server.node not in found]
        unhealthy = [name for name, server in found.items() if not server["Healthy"]]
        learning = [name for name, server in found.items() if server["Healthy"] and not server["Voter"]]
        extra = found.keys() - {server.node for server in servers}
        leaders = [name for name, server in found.items() if server["Leader"]]
        return [
            f"{', '.join(sorted(names))}: {text}"
            for names, text in (
                (missing, "not among Consul's servers"),
                (unhealthy, "not healthy"),
                (learning, "healthy, but not a voter yet"),
                (extra, "a server outside the inventory"),
            )
            if names
        ] + ([] if len(leaders) == 1 else [f"{len(leaders)} leaders"])

    since = max(cluster.begun, time.monotonic() - stretched(STABLE_TIMEOUT_SECONDS - UNHEALTHY_SECONDS))
    left = wait_until_none(problems, STABLE_TIMEOUT_SECONDS, since)
    if left:
        raise CheckError(
            f"{len(servers)} healthy voters, one of them the leader, within {stretched(STABLE_TIMEOUT_SECONDS):g} s",
            left,
            f"rollcall consul {cluster.source} -- operator raft list-peers",
        )
    health = cluster.catalog.any_agent().operator.autopilot_health()
    leader = next(server["Name"] for server in health["Servers"] if server["Leader"])
    passed(
        f"{leader} leads; {len(servers)} of {len(servers)} servers are healthy voters, "
        f"{health['FailureTolerance']} may fail"
    )
