"""Wait until a host's services are as healthy as before its Consul agent restarted."""

import json
from collections.abc import Mapping
from typing import Any

from pyinfra.api.host import Host
from typing_extensions import override

from rollcall.consul.agent_client import Request
from rollcall.consul.service_checks import longest_interval, passing
from rollcall.deploy.consul import agent_requests
from rollcall.deploy.readiness import Readiness

_CHECKS = Request("GET", "/v1/agent/checks")


class ServicesReturn(Readiness):
    """The services whose checks passed at the first look pass again.

    A restarted agent takes every check for critical until it has run, up to its interval later: agents that restart at
    the same time take all instances of a service out of every front.
    """

    def __init__(self, deadline: float, token: str) -> None:
        """Take the deadline in seconds, to which the longest interval of a check is added, and a token that reads."""
        super().__init__(deadline)
        self._token = token
        self._before: frozenset[str] | None = None

    @override
    def missing(self, host: Host) -> list[str]:
        [response] = agent_requests.responses(host, [_CHECKS], self._token)
        found = checks(response.body)
        if self._before is None:
            self._before = passing(found or {})
            self.deadline += longest_interval(found or {})
            return []
        if found is None:
            return ["Consul's agent does not respond"]
        return [f"{name} passed before Consul's agent restarted" for name in sorted(self._before - passing(found))]


def checks(response: str) -> Mapping[str, Mapping[str, Any]] | None:
    """Parse an agent's checks by id; None if this is something else."""
    try:
        found = json.loads(response)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
