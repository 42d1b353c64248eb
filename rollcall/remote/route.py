"""Ask ssh where it would connect: the user's own configuration may rename a host or use a jump host."""

import shlex
import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from rollcall import command, sections
from rollcall.config.inventory import Host
from rollcall.remote import ssh


@dataclass(frozen=True)
class Route:
    """Where ssh would connect for a host, and as whom; `direct` without a jump host or another program between."""

    hostname: str
    port: int
    user: str
    direct: bool


def routes(hosts: Sequence[Host]) -> list[Route]:
    """Return the route to each host; without an ssh on this machine, as the inventory has it."""
    if shutil.which("ssh") is None:
        return [_route(host, "") for host in hosts]
    # One shell asks for all: to copy a process as large as a deploy's takes longer than ssh's answer.
    asks = (shlex.join(["ssh", "-G", *ssh.options(host), host.hostname]) for host in hosts)
    script = sections.script("\n".join(f"section {number}\n{ask}" for number, ask in enumerate(asks)))
    _, output, _ = command.attempt(["sh", "-c", script])
    answers = sections.read(output)
    return [_route(host, answers[str(number)]) for number, host in enumerate(hosts)]


def _route(host: Host, answer: str) -> Route:
    found = dict(line.split(" ", 1) for line in answer.splitlines() if " " in line)
    return Route(
        found.get("hostname", host.hostname),
        int(found.get("port", host.port or 22)),
        found.get("user", host.user or ""),
        all(found.get(key, "none") == "none" for key in ("proxyjump", "proxycommand")),
    )
