"""Make a Consul server leave the quorum before it restarts as a client, or at another address: its vote would stay."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import State
from typing_extensions import override

from rollcall.consul import curl, servers
from rollcall.consul.agent_client import Request
from rollcall.consul.agent_queries import HEALTH, command
from rollcall.consul.leaving import DISABLE_RESTART, IS_RUNNING, LEAVE, LEAVE_TIMEOUT_SECONDS
from rollcall.contract.timeouts import stretched
from rollcall.deploy import callbacks
from rollcall.deploy.consul import agent_requests
from rollcall.deploy.readiness import ConsulReady, Readiness, no_leader
from rollcall.registrator.services.identity import path_segment


class HasLeft(Readiness):
    """The remaining servers no longer list this one."""

    def __init__(self, node: str, deadline: float) -> None:
        """Take the node name of the server that leaves."""
        super().__init__(deadline)
        self.node = node

    @override
    def missing(self, host: Host) -> list[str]:
        _, output = callbacks.run(host, command(HEALTH))
        found = servers.by_name(output.stdout)
        if found is None:
            return [no_leader(output.stdout)]
        return [f"{self.node} is still a server"] if self.node in found else []


@dataclass(frozen=True)
class ServerLeaves:
    """Take one server out of the quorum, once every remaining server is a healthy voter.

    `remaining` are the inventory names of the remaining servers, with their node names. `is_cut_off`: the host no
    longer has the address by which its agent reaches the others.
    """

    node: str
    remaining: Mapping[str, str]
    deadline: float
    management: str = field(repr=False)
    is_cut_off: bool = False

    def __call__(self, state: State, host: Host) -> bool:
        """Leave; return False and log the reason on failure, as pyinfra expects of a function."""
        if not self.remaining:
            return self._leave_alone(host)
        witness = next((candidate for candidate in state.active_hosts if candidate.name in self.remaining), None)
        if witness is None:
            logger.error(f"{host.print_prefix}this run includes no remaining server; deploy without --limit")
            return False
        if not ConsulReady(tuple(self.remaining.values()), self.deadline)(state, witness):
            return False
        gone = HasLeft(self.node, self.deadline)
        return not gone.missing(witness) or (self._leave(host, witness) and gone(state, witness))

    def _leave_alone(self, host: Host) -> bool:
        """Leave gossip; a single server keeps its vote, since nobody else could give it back."""
        return not self._runs(host) or self._by_itself(host)

    def _runs(self, host: Host) -> bool:
        if self.is_cut_off:
            callbacks.run(host, f"{DISABLE_RESTART}; docker stop consul")
        _, running = callbacks.run(host, IS_RUNNING)
        return running.stdout.strip() == "true"

    def _leave(self, host: Host, witness: Host) -> bool:
        if not self._runs(host):
            # The stopped server still has a vote; the remaining ones remove it.
            force = Request("PUT", f"/v1/agent/force-leave/{path_segment(self.node)}")
            return self._request(witness, force)
        return self._by_itself(host)

    def _by_itself(self, host: Host) -> bool:
        done, output = callbacks.run(host, DISABLE_RESTART)
        if not done:
            logger.error(f"{host.print_prefix}{output.stderr.strip()}")
        return done and self._request(host, LEAVE)

    def _request(self, host: Host, request: Request) -> bool:
        longest = stretched(LEAVE_TIMEOUT_SECONDS)
        [response] = agent_requests.responses(host, [request], self.management, timeout=longest)
        # curl in the agent's container ends with the agent; the remaining servers show whether it has left.
        accepted = response.status in (0, curl.OK)
        if not accepted:
            logger.error(f"{host.print_prefix}{self.node} cannot leave the quorum: {response}")
        return accepted
