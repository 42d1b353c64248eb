"""Several requests to a Consul agent in one curl, which reads them, tokens and all, from its standard input."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rollcall import sections

COMMAND = "curl --silent --show-error --config -"
# The agent's image has curl where the host has none.
ON_ANY_HOST = f"if command -v curl >/dev/null; then {COMMAND}; else docker exec -i consul {COMMAND}; fi"

OK = 200


class AnyRequest(Protocol):
    """One request; the body may hold a secret."""

    @property
    def method(self) -> str:
        """GET, PUT …"""

    @property
    def path(self) -> str:
        """With its query."""

    @property
    def body(self) -> str:
        """What is sent; empty for nothing."""


@dataclass(frozen=True)
class Response:
    """What came of one request; status 0: nothing."""

    status: int
    body: str

    def __str__(self) -> str:
        """Give what a person should read of it."""
        return self.body or (f"status {self.status}" if self.status else "the agent does not answer")


def configuration(requests: Iterable[AnyRequest], base: str, token: str = "", options: Sequence[str] = ()) -> str:
    """Write what curl is to do.

    Args:
        requests: the requests, in their order.
        base: what stands before every path, as http://ADDRESS:PORT.
        token: Consul's, none if empty.
        options: further lines of curl's own, for each request.
    """
    header = [f'header = "X-Consul-Token: {token}"'] if token else []
    parts = [
        "\n".join(
            [
                f"url = {json.dumps(base + one.path)}",
                f"request = {one.method}",
                # Else curl walks a path before it sends it.
                "path-as-is",
                # Raw, for a body that begins with @ is no file's name. curl knows no \u….
                *([f"data-raw = {json.dumps(one.body, ensure_ascii=False)}"] if one.body else []),
                *header,
                *options,
                f'write-out = "\\n{sections.MARKER} %{{http_code}}\\n"',
            ]
        )
        for one in requests
    ]
    return "\nnext\n".join(parts) + "\n"


def responses(output: str, *, exact: bool = False) -> list[Response]:
    """Read the bodies, each followed by a line with its status; exact, with the white space around them."""
    first, rest = sections.split(output)
    bodies = [first, *(body for _, body in rest)]
    return [
        Response(int(status), body if exact else body.strip()) for (status, _), body in zip(rest, bodies, strict=False)
    ]
