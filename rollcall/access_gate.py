"""Bringing Consul's ACLs to what is desired, through the first server's own agent."""

import json
from collections.abc import Sequence
from dataclasses import dataclass

from pyinfra.api.host import Host
from typing_extensions import override

from rollcall import auditor
from rollcall.access_control import AccessControl, Request, listed, requests
from rollcall.gates import Gate
from rollcall.operations import announce

# curl reads the token and the bodies from its standard input, so that they are in no argument list. Consul answers a
# write with all that was written: the secret in it is blotted out on the host, before anything could print it.
_CURL = "curl -sS --max-time 10 --config -"
COMMAND = (
    f"if command -v curl >/dev/null; then {_CURL}; else docker exec -i consul {_CURL}; fi | "
    """sed 's/"SecretID":"[^"]*"/"SecretID":""/g'"""
)
MARK = "@@rollcall"
OK = 200


@dataclass(frozen=True)
class Answer:
    """What Consul said to one request; status 0: nothing."""

    status: int
    body: str

    def __str__(self) -> str:
        """Give what a person should read of it."""
        return self.body.strip() or (f"status {self.status}" if self.status else "the agent does not answer")


class AccessConverged(Gate):
    """All policies and tokens are there; each look makes those that are not."""

    def __init__(self, wanted: AccessControl, deadline: float) -> None:
        """Take what should be. A new cluster needs some of the deadline's seconds to elect its leader."""
        super().__init__(deadline)
        self.wanted = wanted

    @override
    def missing(self, host: Host) -> list[str]:
        paths = ("/v1/acl/token/self", auditor.POLICIES, auditor.TOKENS)
        answers = self._ask(host, [Request("", "GET", path) for path in paths])
        refused = [f"Consul does not let its management token in: {one}" for one in answers if one.status != OK]
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
            if answer.status != OK
        ]

    def _ask(self, host: Host, asked: Sequence[Request]) -> list[Answer]:
        _, output = host.run_shell_command(COMMAND, _stdin=configuration(asked, self.wanted.management))
        found = parse(output.stdout)
        return [*found, *[Answer(0, "")] * (len(asked) - len(found))]


def configuration(asked: Sequence[Request], token: str) -> str:
    """Write what curl is to do as its configuration file."""
    parts = [
        "\n".join(
            [
                f"url = {json.dumps(f'http://127.0.0.1:8500{request.path}')}",
                f"request = {request.method}",
                f'header = "X-Consul-Token: {token}"',
                *([f"data = {json.dumps(request.body)}"] if request.body else []),
                f'write-out = "\\n{MARK} %{{http_code}}\\n"',
            ]
        )
        for request in asked
    ]
    return "\nnext\n".join(parts) + "\n"


def parse(output: str) -> list[Answer]:
    """Read the bodies, each followed by a line with its status."""
    answers = []
    body: list[str] = []
    for line in output.splitlines():
        if line.startswith(MARK):
            answers.append(Answer(int(line.split()[1]), "\n".join(body)))
            body = []
        else:
            body.append(line)
    return answers
