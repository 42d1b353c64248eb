"""Read which agents gossip knows, and name those that no inventory lists."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.registrator.services.identity import path_segment

PATH = "/v1/agent/members"
NODES = "/v1/catalog/nodes"
# serf's states; 4 is failed. An agent that has left needs nothing more.
_ALIVE, _LEAVING, _LEFT = 1, 2, 3


@dataclass(frozen=True)
class Agent:
    """An agent in gossip; one that is not alive has failed, or is leaving. `identity` is its node id, "" if unknown."""

    node: str
    address: str
    alive: bool
    identity: str = ""
    leaving: bool = False

    def __str__(self) -> str:
        """Return the name with the address."""
        return f"{self.node} ({self.address})"


def parse(body: str) -> tuple[Agent, ...]:
    """Parse the response to PATH, without agents that have left; nothing for any other text."""
    try:
        return read(json.loads(body))
    except (ValueError, KeyError, TypeError):
        return ()


def read(document: Iterable[dict[str, Any]]) -> tuple[Agent, ...]:
    """Return the agents of the response to PATH, without those that have left."""
    return tuple(
        Agent(
            str(one["Name"]),
            str(one["Addr"]),
            one["Status"] == _ALIVE,
            str((one.get("Tags") or {}).get("id") or ""),
            one["Status"] == _LEAVING,
        )
        for one in document
        if one["Status"] != _LEFT
    )


def nodes(body: str) -> dict[str, str]:
    """Parse the response to NODES: the node ids of the catalog by name; nothing for any other text."""
    try:
        return registered(json.loads(body))
    except (ValueError, KeyError, TypeError):
        return {}


def registered(document: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Return the node ids by name of the response to NODES."""
    return {str(one["Node"]): str(one["ID"]) for one in document}


def locked_out(agents: Iterable[Agent], ids: Mapping[str, str]) -> tuple[Agent, ...]:
    """Return the agents whose name the catalog keeps for another id: they can register nothing.

    Args:
        agents: what gossip knows.
        ids: the catalog's node ids by name.
    """
    return tuple(
        agent
        for agent in agents
        if agent.alive and agent.identity and ids.get(agent.node, agent.identity) != agent.identity
    )


_LEAVING_FOR, _FAILED_FOR, _GONE_FOR = "leaving", "failed", "gone"


@dataclass(frozen=True)
class Misjudged:
    """An agent that responds, although other agents list it otherwise; `by` are their names."""

    node: str
    state: str
    by: tuple[str, ...]

    def __str__(self) -> str:
        """Return what is wrong, without its name."""
        return f"its agent responds, but is listed as {self.state} by {', '.join(self.by)}"

    @property
    def step(self) -> str:
        """Return the command to run on its host."""
        # Others may list an agent as leaving that never left, until it joins anew.
        return "docker restart consul" if self.state == _LEAVING_FOR else "docker logs --tail 20 consul"


def misjudged(responding: Iterable[str], views: Mapping[str, Iterable[Agent]]) -> tuple[Misjudged, ...]:
    """Return the agents that are not alive for others; where these differ, what a restart ends comes first.

    Args:
        responding: the node names of agents that respond.
        views: what gossip knows, by the name of the agent that was asked. One that knows no leader is cut off itself,
            and should not be among them.
    """
    seen = {viewer: {agent.node: agent for agent in agents} for viewer, agents in views.items()}
    found = []
    for node in responding:
        states: dict[str, list[str]] = {_LEAVING_FOR: [], _FAILED_FOR: [], _GONE_FOR: []}
        for viewer, agents in seen.items():
            agent = agents.get(node)
            if agent is None or not agent.alive:
                states[_GONE_FOR if agent is None else _LEAVING_FOR if agent.leaving else _FAILED_FOR].append(viewer)
        found += [Misjudged(node, state, tuple(by)) for state, by in states.items() if by][:1]
    return tuple(found)


LOCKED_OUT = "its agent lost its data, and Consul keeps its name for the one before: nothing on it is registered"


def way_back(node: str, source: str) -> str:
    """Return how an agent that is locked out gets its name again."""
    return f"docker stop consul on {node}; then rollcall forget {source} {node}, and rollcall deploy {source}"


def unlisted(agents: Iterable[Agent], nodes: Collection[str]) -> tuple[Agent, ...]:
    """Return the agents that are in no inventory, in the order of their names.

    Args:
        agents: what gossip knows.
        nodes: the node names of the inventory's hosts.
    """
    return tuple(sorted((agent for agent in agents if agent.node not in nodes), key=lambda agent: agent.node))


def taken(agents: Iterable[Agent], new: Mapping[str, str], source: str) -> str:
    """Return an error if the agent of another machine has the name of a new host, otherwise "".

    Args:
        agents: what gossip knows.
        new: the addresses of the hosts that have no agent yet, by node name.
        source: the inventory as the user typed it.
    """
    return next(
        (
            f"{agent.node}: got a new machine at {new[agent.node]}, but the Consul agent of that name runs at "
            f"{agent.address}; put that address back and run `rollcall remove {source} --host {agent.node}`, then "
            "deploy the new one, or give it another name"
            for agent in agents
            if agent.alive and agent.address != new.get(agent.node, agent.address)
        ),
        "",
    )


def step(agent: Agent, source: str, names: Mapping[str, str]) -> str:
    """Return what to do about an agent that is in no inventory.

    Args:
        agent: the agent.
        source: the inventory as the user typed it.
        names: the names of the inventory's hosts by address.
    """
    if agent.alive and agent.address in names:
        name = names[agent.address]
        return (
            f'{name} has its address: keep its name by ("{name}", {{"node": "{agent.node}"}}); the refusal of '
            f"rollcall deploy {source} names the command for another name"
        )
    if agent.alive:
        return f"put its host back and run: rollcall remove {source} --host {agent.node}"
    return f"rollcall forget {source} {agent.node}"


def words(agent: Agent) -> str:
    """Describe an agent that is in no inventory."""
    state = "still runs" if agent.alive else "no longer responds"
    return f"{agent} is in no inventory, and its Consul agent {state}"


def force_leave(node: str) -> str:
    """Return the path that makes a failed agent leave, and the cluster forget it."""
    return f"/v1/agent/force-leave/{path_segment(node)}?prune"
