"""Bringing Consul's ACLs to what is desired, through the first server's own agent."""

import json
from collections.abc import Sequence

from pyinfra.api.host import Host
from typing_extensions import override

from rollcall.consul import agent_queries, curl
from rollcall.consul.acl import AccessControl, Request, listed, requests
from rollcall.consul.curl import Response
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.deploy import callbacks
from rollcall.deploy.operations import announce
from rollcall.deploy.readiness import Readiness

# Consul answers a write with all that was written: the secret in it is blotted out on the host, before anything could
# print it.
COMMAND = (
    f"{curl.ON_ANY_HOST} | "
    """sed 's/"SecretID":"[^"]*"/"SecretID":""/g'"""
)
REQUEST_TIMEOUT_SECONDS = 10


class AccessConverged(Readiness):
    """All policies and tokens are there; each look makes those that are not."""

    def __init__(self, wanted: AccessControl, deadline: float) -> None:
        """Take what should be. A new cluster needs some of the deadline's seconds to elect its leader."""
        super().__init__(deadline)
        self.wanted = wanted

    @override
    def missing(self, host: Host) -> list[str]:
        paths = ("/v1/acl/token/self", agent_queries.POLICIES, agent_queries.TOKENS)
        answers = self._ask(host, [Request("", "GET", path) for path in paths])
        refused = [f"Consul does not let its management token in: {one}" for one in answers if one.status != curl.OK]
        found = listed(*(one.body for one in answers[1:]))
        if refused or found is None:
            return refused[:1] or ["Consul does not list its ACLs"]
        return self._write(host, requests(self.wanted, found, str(json.loads(answers[0].body)["AccessorID"])))

    def _write(self, host: Host, due: Sequence[Request]) -> list[str]:
        answers = self._ask(host, due) if due else []
        announce(request.text for request in due)
        return [
            f"could not {request.text}: {answer}"
            for request, answer in zip(due, answers, strict=True)
            if answer.status != curl.OK
        ]

    def _ask(self, host: Host, asked: Sequence[Request]) -> list[Response]:
        given = curl.configuration(
            asked, local_agent.URL, self.wanted.management, [f"max-time = {stretched(REQUEST_TIMEOUT_SECONDS):g}"]
        )
        _, output = callbacks.run(host, COMMAND, given)
        found = curl.responses(output.stdout)
        return [*found, *[Response(0, "")] * (len(asked) - len(found))]
