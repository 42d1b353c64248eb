"""Send several requests to a Consul agent with one curl, which reads them and the token from standard input."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rollcall import sections

COMMAND = "curl --silent --show-error --config -"
# Without curl on the host, use the one in the agent's image.
ON_ANY_HOST = f"if command -v curl >/dev/null; then {COMMAND}; else docker exec -i consul {COMMAND}; fi"

OK = 200


class AnyRequest(Protocol):
    """One request; the body may hold a secret."""

    @property
    def method(self) -> str:
        """GET, PUT …"""

    @property
    def path(self) -> str:
        """The path with its query."""

    @property
    def body(self) -> str:
        """The body; empty for none."""


@dataclass(frozen=True)
class Response:
    """The response to one request; status 0 means none."""

    status: int
    body: str

    def __str__(self) -> str:
        """Return the text to show to a user."""
        return self.body or (f"status {self.status}" if self.status else "the agent does not respond")


def configuration(requests: Iterable[AnyRequest], base: str, token: str = "", options: Sequence[str] = ()) -> str:
    """Write curl's configuration for several requests.

    Args:
        requests: the requests, in order.
        base: the prefix of every path, such as http://ADDRESS:PORT.
        token: the ACL token; empty for none.
        options: further configuration lines for each request.
    """
    header = [f'header = "X-Consul-Token: {token}"'] if token else []
    parts = [
        "\n".join(
            [
                f"url = {json.dumps(base + request.path)}",
                f"request = {request.method}",
                # Otherwise curl resolves dots in the path.
                "path-as-is",
                # Raw: otherwise a body that starts with @ would name a file. curl does not support \u….
                *([f"data-raw = {json.dumps(request.body, ensure_ascii=False)}"] if request.body else []),
                *header,
                *options,
                f'write-out = "\\n{sections.MARKER} %{{http_code}}\\n"',
            ]
        )
        for request in requests
    ]
    return "\nnext\n".join(parts) + "\n"


def responses(output: str, *, exact: bool = False) -> list[Response]:
    """Parse the bodies, each followed by a line with its status; `exact` keeps the white space around them."""
    first, rest = sections.split(output)
    bodies = [first, *(body for _, body in rest)]
    return [
        Response(int(status), body if exact else body.strip()) for (status, _), body in zip(rest, bodies, strict=False)
    ]
