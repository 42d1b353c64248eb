"""Bring Consul's ACLs to their desired state through the first server's own agent."""

import json
from collections.abc import Sequence

from pyinfra.api.host import Host
from typing_extensions import override

from rollcall.consul import agent_queries, curl
from rollcall.consul.acl import AccessControl, Request, listed, requests
from rollcall.consul.curl import Response
from rollcall.deploy.consul import agent_requests
from rollcall.deploy.operations import announce
from rollcall.deploy.readiness import Readiness

# Consul's response to a write contains everything written: `sed` removes the secret on the host, before anything can
# print it.
COMMAND = (
    f"{curl.ON_ANY_HOST} | "
    """sed 's/"SecretID":"[^"]*"/"SecretID":""/g'"""
)


class AccessConverged(Readiness):
    """All policies and tokens exist; each check creates those that are missing."""

    def __init__(self, wanted: AccessControl, deadline: float) -> None:
        """Take the desired ACLs. A new cluster needs part of the deadline to elect its leader."""
        super().__init__(deadline)
        self.wanted = wanted

    @override
    def missing(self, host: Host) -> list[str]:
        paths = ("/v1/acl/token/self", agent_queries.POLICIES, agent_queries.TOKENS)
        responses = self._request(host, [Request("", "GET", path) for path in paths])
        refused = [
            f"Consul rejects its management token: {response}" for response in responses if response.status != curl.OK
        ]
        found = listed(*(response.body for response in responses[1:]))
        if refused or found is None:
            return refused[:1] or ["Consul does not list its ACLs"]
        return self._write(host, requests(self.wanted, found, str(json.loads(responses[0].body)["AccessorID"])))

    def _write(self, host: Host, due: Sequence[Request]) -> list[str]:
        responses = self._request(host, due) if due else []
        announce(request.text for request in due)
        return [
            f"could not {request.text}: {response}"
            for request, response in zip(due, responses, strict=True)
            if response.status != curl.OK
        ]

    def _request(self, host: Host, batch: Sequence[Request]) -> list[Response]:
        return agent_requests.responses(host, batch, self.wanted.management, command=COMMAND)
