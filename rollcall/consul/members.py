"""Read which agents gossip knows, and name those that no inventory lists."""

import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from rollcall.registrator.services.identity import path_segment

PATH = "/v1/agent/members"
NODES = "/v1/catalog/nodes"
# serf's states: 1 alive, 2 leaving, 3 left, 4 failed. An agent that has left needs nothing more.
_ALIVE, _LEFT = 1, 3


@dataclass(frozen=True)
class Agent:
    """An agent in gossip; one that is not alive has failed, or is leaving. `identity` is its node id, "" if unknown."""

    node: str
    address: str
    alive: bool
    identity: str = ""

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
        Agent(str(one["Name"]), str(one["Addr"]), one["Status"] == _ALIVE, str((one.get("Tags") or {}).get("id") or ""))
        for one in document
        if one["Status"] != _LEFT
    )


def nodes(body: str) -> dict[str, str]:
    """Parse the response to NODES: the node ids of the catalog by name; nothing for any other text."""
    try:
        return {str(one["Node"]): str(one["ID"]) for one in json.loads(body)}
    except (ValueError, KeyError, TypeError):
        return {}


def locked_out(agents: Iterable[Agent], registered: Mapping[str, str]) -> tuple[Agent, ...]:
    """Return the agents whose name the catalog keeps for another id: they can register nothing.

    Args:
        agents: what gossip knows.
        registered: the catalog's node ids by name.
    """
    return tuple(
        agent
        for agent in agents
        if agent.alive and agent.identity and registered.get(agent.node, agent.identity) != agent.identity
    )


def unlisted(agents: Iterable[Agent], nodes: Collection[str]) -> tuple[Agent, ...]:
    """Return the agents that are in no inventory, in the order of their names.

    Args:
        agents: what gossip knows.
        nodes: the node names of the inventory's hosts.
    """
    return tuple(sorted((agent for agent in agents if agent.node not in nodes), key=lambda agent: agent.node))


def step(agent: Agent, source: str) -> str:
    """Return what to do about an agent that is in no inventory."""
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
