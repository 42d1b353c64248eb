"""Read a fleet's members through the agent of a host that stays, and make the fleet forget one of them."""

from collections.abc import Sequence

from rollcall import waiting
from rollcall.components import access
from rollcall.consul import acl, agent_queries, deploy_lock, members, servers
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.consul.fleet_lock import has_ended
from rollcall.consul.members import Agent
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.hosts.quorum import Servers
from rollcall.registrator.services.identity import path_segment

RAFT = "/v1/operator/raft/configuration"
# Gossip takes a second or two; the leader then takes the node out of the catalog at once.
FORGET_TIMEOUT_SECONDS = 60.0


class Membership:
    """A fleet's members.

    Args:
        agent: the agent of a host that stays, with the management token.
    """

    def __init__(self, agent: AgentClient) -> None:
        """Take the agent; send no request yet."""
        self._agent = agent

    def servers(self) -> Servers | None:
        """Return autopilot's health by node name; None without a leader."""
        return servers.by_name(self._agent.response(Request("GET", agent_queries.HEALTH)).body)

    def agents(self) -> tuple[Agent, ...]:
        """Return the agents that gossip knows."""
        return members.read(self._agent.read(members.PATH))

    def check_unlocked(self) -> None:
        """Check that nobody deploys at this moment. Raises RollcallError: somebody does."""
        lock = deploy_lock.read(self._agent.response(Request("GET", deploy_lock.PATH)).body)
        if lock and lock.holder and not has_ended(lock.holder):
            raise RollcallError(lock.holder.sentence)

    def traces(self, node: str) -> list[str]:
        """Return what the fleet still knows of a node, in words; nothing for a node that is forgotten."""
        in_gossip = any(agent.node == node for agent in self.agents())
        found = [
            *(["its agent"] if in_gossip else []),
            *(["its node in the catalog"] if self._in_catalog(node) else []),
            *(["its vote"] if self._peers(node) else []),
        ]
        return [*found, *[request.text.removeprefix("remove ") for request in self._access(node)]]

    def is_gone(self, node: str) -> bool:
        """Return whether no server votes under this name, and neither gossip nor the catalog knows it."""
        in_gossip = any(agent.node == node for agent in self.agents())
        return not (in_gossip or self._peers(node) or self._in_catalog(node))

    def force_out(self, node: str) -> None:
        """Make the cluster drop a node whose agent is dead: its vote, its entry in gossip and in the catalog."""
        if any(agent.node == node for agent in self.agents()):
            self._agent.write(Request("PUT", members.force_leave(node)))
        waiting.until(lambda: not self._peers(node), stretched(FORGET_TIMEOUT_SECONDS / 6))
        for identity in self._peers(node):
            self._agent.write(Request("DELETE", f"/v1/operator/raft/peer?id={path_segment(identity)}"))

    def wait_until_gone(self, node: str) -> None:
        """Wait until the cluster no longer knows the node. Raises RollcallError: it still does."""
        if not waiting.until(lambda: self.is_gone(node), stretched(FORGET_TIMEOUT_SECONDS)):
            raise RollcallError(
                f"after {stretched(FORGET_TIMEOUT_SECONDS):g} s the fleet still knows of {node} "
                f"{', '.join(self.traces(node))}; run the same command again"
            )

    def revoke(self, node: str) -> None:
        """Remove the tokens and policies that only this node has."""
        due = self._access(node)
        self._agent.write(*(Request(request.method, request.path, request.body) for request in due))

    def _access(self, node: str) -> Sequence[acl.Request]:
        policies, tokens = self._agent.read_all([agent_queries.POLICIES, agent_queries.TOKENS])
        return acl.removals(access.policies_of(node), acl.Listed(policies, tokens))

    def _in_catalog(self, node: str) -> bool:
        found = self._agent.read(f"/v1/catalog/node/{path_segment(node)}")
        return bool(found and found.get("Node"))

    def _peers(self, node: str) -> list[str]:
        return [str(server["ID"]) for server in self._agent.read(RAFT)["Servers"] if server["Node"] == node]
