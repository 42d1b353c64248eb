"""Find the listeners on a host's addresses: one command and the parser of its output."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rollcall import sections
from rollcall.converge.docker_query import LABEL
from rollcall.converge.host_state import listener
from rollcall.registrator.services.expected import Inspected

# A socket's container is the one with a process, in its control group, that has the socket open.
# State 0A is a listening TCP socket, 07 an unconnected UDP socket.
_SCRIPT = r"""
section containers
ours=$(docker ps --no-trunc --filter label={label} --format '{{{{.ID}}}} {{{{.Names}}}}') || exit 91
echo "$ours"
section owners
grep -soE '[0-9a-f]{{64}}' /proc/[0-9]*/cgroup | sort -u | while IFS=: read -r file id; do
  case $ours in *"$id"*) find "${{file%/cgroup}}/fd" -lname 'socket:*' -printf "$id %l\n" 2>/dev/null ;; esac
done
section sockets
for table in tcp tcp6 udp udp6; do
  awk -v protocol="${{table%6}}" '$4 == (protocol == "tcp" ? "0A" : "07") {{ print protocol, $2, $10 }}' \
    "/proc/net/$table" 2>/dev/null
done
"""
# Docker's host addresses of a published port without an address.
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not listened on


@dataclass(frozen=True)
class Listener:
    """A port at one of the host's addresses, "" for all; `container` is "" for a program outside our containers."""

    protocol: str
    address: str
    port: int
    container: str = ""

    def __str__(self) -> str:
        """Return it in words."""
        return f"{self.address or 'every address'}, port {self.port}/{self.protocol}"


def command() -> str:
    """Return the shell command."""
    return f"bash -c {shlex.quote(sections.script(_SCRIPT.format(label=LABEL)))}"


def parse(output: str) -> frozenset[Listener]:
    """Parse the command's output; raise ValueError if it is incomplete."""
    found = sections.read(output, ["containers", "owners", "sockets"])
    containers, owned, sockets = (sections.lines(found[title]) for title in ("containers", "owners", "sockets"))
    names = dict(_pair(line) for line in containers)
    owners = {link[len("socket:[") : -1]: names[identity] for identity, link in map(_pair, owned)}
    return frozenset(
        Listener(protocol, *listener(where), owners.get(number, ""))
        for protocol, where, number in map(str.split, sockets)
    )


def _pair(line: str) -> tuple[str, str]:
    first, _, second = line.partition(" ")
    return first, second


def with_published(found: Iterable[Listener], ours: Iterable[Inspected]) -> frozenset[Listener]:
    """Assign published ports to our containers: the engine listens for these, or only the firewall has them."""
    published = {listener: name for container in ours for listener, name in _published(container).items()}
    kept = {
        container if container.container else replace(container, container=published.get(container, ""))
        for container in found
    }
    return frozenset(kept | {replace(one, container=name) for one, name in published.items()})


def _published(container: Inspected) -> Mapping[Listener, str]:
    return {
        Listener(
            port.partition("/")[2],
            "" if binding["HostIp"] in _EVERYWHERE else binding["HostIp"],
            int(binding["HostPort"]),
        ): str(container["Name"]).lstrip("/")
        for port, bindings in (container["NetworkSettings"].get("Ports") or {}).items()
        for binding in bindings or ()
    }
