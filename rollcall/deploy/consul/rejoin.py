"""Bring a Consul server that has another address together with the agents that it knew.

The file of servers alone does not do that where all servers get other addresses: nobody is there yet.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field

from pyinfra import logger
from pyinfra.api.host import Host
from pyinfra.api.state import State

from rollcall.consul import curl, leader
from rollcall.consul.agent_client import Request
from rollcall.deploy.consul import agent_requests

_POLL_SECONDS = 0.5


@dataclass(frozen=True)
class Rejoin:
    """Let one of the other agents join a server at its address, or the server them, until it and they have a leader.

    Which of both works depends on who knows the token: a server without the others only if it leads, being the only
    one; an agent only with a server. An agent that has not noticed yet that the address of before is gone accepts no
    other one, and says nothing: so it is asked again and again, for up to a minute.
    It waits for no agent of the hosts in `moving`: cut off where they were, they find a server after their own turn.
    """

    address: str
    others: Collection[str]
    deadline: float
    management: str = field(repr=False)
    moving: frozenset[str] = frozenset()

    def __call__(self, state: State, host: Host) -> bool:
        """Join; return False and log the reason on failure, as pyinfra expects of a function."""
        end = time.monotonic() + self.deadline
        while self.others and (why := self._missing(state, host)):
            if time.monotonic() > end:
                logger.error(f"{host.print_prefix}{why}")
                return False
            time.sleep(_POLL_SECONDS)  # gevent lets other hosts continue meanwhile
        return True

    def _missing(self, state: State, host: Host) -> str:
        if not self._joins(state, host):
            return f"its Consul server does not come together with any of {', '.join(self.others)}"
        expected = (one for one in state.active_hosts if one is host or one.name not in self.moving)
        alone = sorted(one.name for one in expected if _is_alone(one))
        return f"the Consul agents of {', '.join(alone)} find no server; deploy again once they do" if alone else ""

    def _joins(self, state: State, host: Host) -> bool:
        witnesses = [one for one in state.active_hosts if one is not host]
        return any(self._accepts(one, [self.address]) for one in witnesses) or self._accepts(host, self.others)

    def _accepts(self, host: Host, addresses: Collection[str]) -> bool:
        requests = [Request("PUT", f"/v1/agent/join/{address}") for address in addresses]
        found = agent_requests.responses(host, requests, self.management)
        return any(response.status == curl.OK for response in found)


def _is_alone(host: Host) -> bool:
    """Whether a host's agent responds, and knows no leader."""
    [response] = agent_requests.responses(host, [Request("GET", leader.PATH)], "")
    return response.status != 0 and not leader.address(response.body)
