"""A host's own Consul agent, asked over SSH: curl there reads requests and token from its standard input."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from rollcall.config.inventory import Host
from rollcall.consul import curl
from rollcall.consul.curl import Response
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell

# An agent answers from memory, in milliseconds; this also covers an election in the middle of the question.
REQUEST_TIMEOUT_SECONDS = 10  # of one request
COMMAND_TIMEOUT_SECONDS = 60
OK, NOT_FOUND = 200, 404


@dataclass(frozen=True)
class Request:
    """One request; `path` begins with a slash and carries its query."""

    method: Literal["GET", "PUT", "DELETE"]
    path: str
    body: str = field(default="", repr=False)


class AgentClient:
    """The agent of one host, with the rights of a token."""

    def __init__(self, host: Host, token: str) -> None:
        """Nothing is asked yet."""
        self.host = host
        self._token = token

    def read(self, path: str) -> Any:
        """Give the JSON that the agent answers; None where there is nothing of that name.

        Raises:
            RollcallError: the host or its agent gives no answer, or refuses.
        """
        return self.read_all([path])[0]

    def read_all(self, paths: Sequence[str]) -> list[Any]:
        """Do the same for several paths at once."""
        return [self._document(answer) for answer in self._ask([Request("GET", path) for path in paths])]

    def write(self, *requests: Request) -> None:
        """Make the agent do several things. Raises as `read` does, at the first that it does not take."""
        for answer in self._ask(requests):
            self._check(answer)

    def documents(self, *requests: Request) -> list[Any]:
        """Make the agent do several things, and give the JSON that it answers. Raises as `read` does."""
        return [self._document(answer) for answer in self._ask(requests)]

    def response(self, request: Request) -> Response:
        """Give the response to one request as it is, whatever its status. Raises RollcallError: there is none."""
        (answer,) = self._ask([request], exact=True)
        if not answer.status:
            raise RollcallError(f"the Consul agent of {self.host.name} does not answer; docker logs consul there")
        return answer

    def _ask(self, requests: Sequence[Request], *, exact: bool = False) -> list[Response]:
        if not requests:
            return []
        given = curl.configuration(
            requests, local_agent.URL, self._token, [f"max-time = {stretched(REQUEST_TIMEOUT_SECONDS):g}"]
        )
        result = Shell(self.host).run(curl.ON_ANY_HOST, given, COMMAND_TIMEOUT_SECONDS)
        answers = curl.responses(result.output, exact=exact)
        if len(answers) < len(requests):
            raise RollcallError(f"the Consul agent of {self.host.name} cannot be asked: {result.reason}")
        return answers

    def _document(self, answer: Response) -> Any:
        if answer.status == NOT_FOUND:
            return None
        self._check(answer)
        return json.loads(answer.body)

    def _check(self, answer: Response) -> None:
        if answer.status != OK:
            raise RollcallError(f"the Consul agent of {self.host.name} refuses: {answer}")
