"""Read a Consul server that has no leader, and start it again as a member of another configuration."""

import base64
from collections.abc import Mapping

from rollcall import tar_archive, waiting
from rollcall.components.consul import OWNER
from rollcall.config.inventory import Host
from rollcall.consul import members
from rollcall.consul.agent_client import AgentClient
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.hosts.recovery import PEERS, Server, server
from rollcall.remote.run import Shell

# A server that was stopped reads its data first.
START_TIMEOUT_SECONDS = 30.0
# How long servers that just lost a leader may take to elect another, and agents to notice who is dead.
SETTLE_TIMEOUT_SECONDS = 15.0
# Consul's own, which an interrupted recovery may have left stopped.
START = "docker start consul >/dev/null"
STOP = "docker stop consul >/dev/null"
# The archive comes in base64, since standard input is text. Only the volume of the container can be written to.
WRITE = "base64 -d | docker cp - consul:/consul/data"


def read(host: Host, address: str, nodes: Mapping[str, str], token: str) -> Server:
    """Read a server, and start its agent if it is stopped.

    Args:
        host: the host.
        address: its address.
        nodes: the node names of the inventory's hosts, by address.
        token: the management token.

    Raises:
        RollcallError: host or agent do not respond.
    """
    Shell(host).read(START)
    agent = AgentClient(host, token)
    last: list[RollcallError] = []

    def responds() -> bool:
        try:
            agent.read("/v1/agent/self")
        except RollcallError as problem:
            last[:] = [problem]
            return False
        return True

    if not waiting.until(responds, stretched(START_TIMEOUT_SECONDS)):
        raise last[0]
    own, others = agent.read_all(["/v1/agent/self", members.PATH])
    return server(host.name, address, own, others, nodes)


def stop(host: Host) -> None:
    """Stop the agent. Raises RollcallError: it does not stop."""
    Shell(host).read(STOP, timeout_seconds=60)


def start_with(host: Host, peers: str) -> None:
    """Give a stopped server its peers, and start it. Raises RollcallError: either fails."""
    archive = tar_archive.pack({PEERS: peers.encode()}, OWNER)
    Shell(host).read(WRITE, base64.b64encode(archive).decode())
    Shell(host).read(START)
