"""Decide how a fleet whose Consul servers are mostly gone for good is brought back from those that remain. No I/O."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from rollcall.errors import RollcallError

PEERS = "raft/peers.json"
RPC_PORT = 8300


@dataclass(frozen=True)
class Peer:
    """A server of the last configuration that the servers agreed on."""

    identity: str
    node: str
    address: str


@dataclass(frozen=True)
class Server:
    """A server that responds: what its own agent knows without a leader.

    `peers` is the last configuration in its own data, empty if that is new; `alive` are the ids of the servers that it
    hears in gossip; `index` is the last entry of its log.
    """

    name: str
    identity: str
    address: str
    peers: tuple[Peer, ...]
    alive: frozenset[str]
    index: int
    leader: str = ""


@dataclass(frozen=True)
class Recovery:
    """Which servers stay, the worst informed first, and which are gone."""

    survivors: tuple[Server, ...]
    gone: tuple[Peer, ...]

    @property
    def peers_file(self) -> str:
        """The text of Consul's peers.json, by which a server starts with another configuration."""
        return json.dumps(
            [
                {"id": server.identity, "address": f"{server.address}:{RPC_PORT}", "non_voter": False}
                for server in self.survivors
            ],
            indent=2,
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What may be lost, in sentences."""
        best = max(self.survivors, key=lambda server: server.index)
        every = len(self.survivors) + len(self.gone)
        gone = ", ".join(peer.node for peer in self.gone)
        return (
            f"{len(self.gone)} of {every} Consul servers are gone: {gone}. What only they had received is lost: keys, "
            f"tokens and sessions written in the last moments before. {best.name} knows everything up to index "
            f"{best.index}; running containers register again by themselves",
            f"{gone} must never start again with the data of before: empty it first (docker volume rm consul-data)",
        )


# Of raft's own statistics. A server that starts without a leader gives its configuration by no other request.
_CONFIGURED = re.compile(r"ID:(\S+) Address:([^\s}]+):\d+")


def server(
    name: str, address: str, agent: Mapping[str, Any], members: Sequence[Mapping[str, Any]], nodes: Mapping[str, str]
) -> Server:
    """Read a server from the responses to /v1/agent/self and /v1/agent/members.

    Args:
        name: its name in the inventory.
        address: its address.
        agent: the first response.
        members: the second one.
        nodes: the node names of the inventory's hosts, by address.
    """
    statistics = agent["Stats"]
    configured = _CONFIGURED.findall(str(statistics["raft"].get("latest_configuration", "")))
    return Server(
        name=name,
        identity=str(agent["Config"]["NodeID"]),
        address=address,
        peers=tuple(Peer(identity, nodes.get(where, where), where) for identity, where in configured),
        alive=frozenset(str(one["Tags"].get("id", "")) for one in members if one["Status"] == 1),
        index=int(statistics["raft"]["last_log_index"]),
        leader=str(statistics["consul"].get("leader_addr", "")),
    )


def plan(found: Sequence[Server], silent: Mapping[str, str], source: str) -> Recovery | None:
    """Return the recovery; None if there is a leader, and nothing to recover.

    Args:
        found: the servers that respond.
        silent: why the others do not, by name.
        source: the inventory as the user typed it.

    Raises:
        RollcallError: no data is left, or enough servers are left to elect a leader by themselves.
    """
    if any(one.leader for one in found):
        return None
    with_data = [one for one in found if any(peer.identity == one.identity for peer in one.peers)]
    if not with_data:
        listed = "; ".join(f"{name}: {why}" for name, why in silent.items())
        raise RollcallError(
            f"no Consul server has data left{f' ({listed})' if listed else ''}; expected one that ran before; with a "
            f"backup: rollcall restore {source} FILE"
        )
    # The longest log has the latest configuration.
    peers = max(with_data, key=lambda one: one.index).peers
    survivors = tuple(sorted((one for one in with_data if _is_in(one, peers)), key=lambda one: one.index))
    identities = {one.identity for one in survivors}
    gone = tuple(peer for peer in peers if peer.identity not in identities)
    alive = [peer.node for peer in gone if any(peer.identity in one.alive for one in survivors)]
    if alive:
        raise RollcallError(
            f"{', '.join(alive)} {'is' if len(alive) == 1 else 'are'} alive in gossip and may lead a second cluster; "
            "mend the way to it, or end its agent for good (docker rm --force consul), and run the same command again"
        )
    if len(survivors) * 2 > len(peers):
        raise RollcallError(
            f"{len(survivors)} of {len(peers)} Consul servers have their data and elect a leader by themselves once "
            "they reach each other on 8300 and 8301 (docs/firewalls.md); expected most of them to be gone for good; "
            f"see rollcall status {source}"
        )
    return Recovery(survivors, gone)


def _is_in(server: Server, peers: Sequence[Peer]) -> bool:
    return any(peer.identity == server.identity for peer in peers)
