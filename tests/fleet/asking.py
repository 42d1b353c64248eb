"""Requests to Consul's HTTP API, many in one command, from wherever that command runs."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

MARK = "@@answer"
# curl reads everything from its standard input: tokens and certificates' paths are in no argument list.
CURL = "curl --silent --show-error --config -"


@dataclass(frozen=True)
class Ask:
    """One request."""

    method: str
    path: str
    body: str = field(default="", repr=False)

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True)
class Answer:
    """What came of a request; status 0: nothing."""

    status: int
    body: str


def configuration(asks: Iterable[Ask], base: str, token: str = "", more: Sequence[str] = ()) -> str:
    """Write what curl is to do. Paths are sent as they stand, with their dots and doubled slashes."""
    header = [f'header = "X-Consul-Token: {token}"'] if token else []
    parts = [
        "\n".join(
            [
                f"url = {json.dumps(base + ask.path)}",
                f"request = {ask.method}",
                *([f"data = {json.dumps(ask.body)}"] if ask.body else []),
                *header,
                *more,
                "path-as-is",
                # A body or a stream that never ends is an answer too: its first seconds count.
                "max-time = 3",
                f'write-out = "\\n{MARK} %{{http_code}}\\n"',
            ]
        )
        for ask in asks
    ]
    return "\nnext\n".join(parts) + "\n"


def answers(output: str) -> list[Answer]:
    """Read what curl printed: bodies, each followed by a line with its status."""
    found = []
    body: list[str] = []
    for line in output.splitlines():
        if line.startswith(MARK):
            found.append(Answer(int(line.split()[1]), "\n".join(body).strip()))
            body = []
        else:
            body.append(line)
    return found
