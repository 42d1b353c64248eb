"""Read which agents gossip knows, and name those that no inventory lists."""

import json
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from rollcall.registrator.services.identity import path_segment

PATH = "/v1/agent/members"
# serf's states: 1 alive, 2 leaving, 3 left, 4 failed. An agent that has left needs nothing more.
_ALIVE, _LEFT = 1, 3


@dataclass(frozen=True)
class Agent:
    """An agent in gossip; one that is not alive has failed, or is leaving."""

    node: str
    address: str
    alive: bool

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
        Agent(str(one["Name"]), str(one["Addr"]), one["Status"] == _ALIVE) for one in document if one["Status"] != _LEFT
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
