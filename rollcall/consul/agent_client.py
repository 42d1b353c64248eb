"""Send requests to a host's own Consul agent over SSH: curl there reads requests and token from standard input."""

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

# An agent responds from memory, in milliseconds; this also covers an election during the request.
REQUEST_TIMEOUT_SECONDS = 10
COMMAND_TIMEOUT_SECONDS = 60
OK, NOT_FOUND = 200, 404


@dataclass(frozen=True)
class Request:
    """One request; `path` starts with a slash and includes the query."""

    method: Literal["GET", "PUT", "POST", "DELETE"]
    path: str
    body: str = field(default="", repr=False)


class AgentClient:
    """A client of one host's agent, with the rights of a token."""

    def __init__(self, host: Host, token: str, *, detached: bool = False) -> None:
        """Take the host and the token; send no request yet. Ctrl-C does not reach requests that are detached."""
        self.host = host
        self._token = token
        self._detached = detached

    def read(self, path: str) -> Any:
        """Return the JSON of the agent's response; None if the object does not exist.

        Raises:
            RollcallError: the host or its agent does not respond, or rejects the request.
        """
        return self.read_all([path])[0]

    def read_all(self, paths: Sequence[str]) -> list[Any]:
        """Read several paths at once. Raises as `read` does."""
        return [self._document(response) for response in self._request([Request("GET", path) for path in paths])]

    def write(self, *requests: Request, missing_ok: bool = False) -> None:
        """Send several requests; `missing_ok`: what they are about may be gone.

        Raises as `read` does, for the first that fails.
        """
        for response in self._request(requests):
            if not (missing_ok and response.status == NOT_FOUND):
                self._check(response)

    def documents(self, *requests: Request) -> list[Any]:
        """Send several requests and return the JSON of their responses. Raises as `read` does."""
        return [self._document(response) for response in self._request(requests)]

    def response(self, request: Request) -> Response:
        """Return the unchanged response to one request, with any status. Raises RollcallError: there is none."""
        (response,) = self._request([request], exact=True)
        if not response.status:
            raise RollcallError(f"the Consul agent of {self.host.name} does not respond; docker logs consul there")
        return response

    def _request(self, requests: Sequence[Request], *, exact: bool = False) -> list[Response]:
        if not requests:
            return []
        given = curl.configuration(
            requests, local_agent.URL, self._token, [f"max-time = {stretched(REQUEST_TIMEOUT_SECONDS):g}"]
        )
        result = Shell(self.host, detached=self._detached).run(curl.ON_ANY_HOST, given, COMMAND_TIMEOUT_SECONDS)
        responses = curl.responses(result.output, exact=exact)
        if len(responses) < len(requests):
            raise RollcallError(f"the Consul agent of {self.host.name} is not reachable: {result.reason}")
        return responses

    def _document(self, response: Response) -> Any:
        if response.status == NOT_FOUND:
            return None
        self._check(response)
        return json.loads(response.body)

    def _check(self, response: Response) -> None:
        if response.status != OK:
            raise RollcallError(f"the Consul agent of {self.host.name} rejects the request: {response}")
