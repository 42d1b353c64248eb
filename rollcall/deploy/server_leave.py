"""A Consul server leaves the quorum before it starts again as a client, or its vote would stay behind it."""

from dataclasses import dataclass, field

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import State
from typing_extensions import override

from rollcall.consul import curl, servers
from rollcall.consul.acl import Request
from rollcall.consul.agent_queries import HEALTH, command
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.deploy import callbacks
from rollcall.deploy.readiness import ConsulReady, Readiness
from rollcall.registrator.services.identity import path_segment

# Seconds. A server that leaves waits until the others have taken its vote, then for requests under way.
LEAVE_TIMEOUT_SECONDS = 60.0
# Docker would start again at once what has left.
RESTARTS_NO_MORE = "docker update --restart=no consul >/dev/null"
IS_RUNNING = "docker inspect --format '{{.State.Running}}' consul"


class HasLeft(Readiness):
    """The remaining servers count this one among them no more."""

    def __init__(self, node: str, deadline: float) -> None:
        """Take the node name of the server that leaves."""
        super().__init__(deadline)
        self.node = node

    @override
    def missing(self, host: Host) -> list[str]:
        _, output = callbacks.run(host, command(HEALTH))
        found = servers.by_name(output.stdout)
        if found is None:
            return [f"no leader ({output.stdout.strip() or 'the agent does not answer'})"]
        return [f"{self.node} is a server still"] if self.node in found else []


@dataclass(frozen=True)
class ServerLeaves:
    """Takes one server out of the quorum: of those that stay, each must be a healthy voter before.

    `remaining` are the inventory names of the servers that stay, with their node names.
    """

    node: str
    remaining: dict[str, str]
    deadline: float
    management: str = field(repr=False)

    def __call__(self, state: State, host: Host) -> bool:
        """Leave; a function of pyinfra's, so False is a failure and what was wrong is in the log."""
        witness = next((one for one in state.active_hosts if one.name in self.remaining), None)
        if witness is None:
            logger.error(f"{host.print_prefix}no server that stays is in this run; deploy without --limit")
            return False
        if not ConsulReady(tuple(self.remaining.values()), self.deadline)(state, witness):
            return False
        gone = HasLeft(self.node, self.deadline)
        return not gone.missing(witness) or (self._leave(host, witness) and gone(state, witness))

    def _leave(self, host: Host, witness: Host) -> bool:
        _, running = callbacks.run(host, IS_RUNNING)
        if running.stdout.strip() != "true":
            # Its vote is dead weight: those that stay let it go.
            return self._ask(witness, f"/v1/agent/force-leave/{path_segment(self.node)}")
        done, output = callbacks.run(host, RESTARTS_NO_MORE)
        if not done:
            logger.error(f"{host.print_prefix}{output.stderr.strip()}")
        return done and self._ask(host, "/v1/agent/leave")

    def _ask(self, host: Host, path: str) -> bool:
        options = [f"max-time = {stretched(LEAVE_TIMEOUT_SECONDS):g}"]
        given = curl.configuration([Request("", "PUT", path)], local_agent.URL, self.management, options)
        _, output = callbacks.run(host, curl.ON_ANY_HOST, given)
        answer = next(iter(curl.responses(output.stdout)), curl.Response(0, ""))
        # Where curl is the container's, it ends with the agent; whether that has left, the others know.
        accepted = answer.status in (0, curl.OK)
        if not accepted:
            logger.error(f"{host.print_prefix}{self.node} cannot leave the quorum: {answer}")
        return accepted
