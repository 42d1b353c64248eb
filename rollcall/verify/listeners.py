"""Who listens on a host's own addresses: the one command that tells, and what its answer means."""

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from rollcall import sections
from rollcall.converge.docker_query import LABEL
from rollcall.converge.host_state import listener
from rollcall.registrator.services.expected import Inspected

# The kernel names a socket's owner by a number alone; its container is the one in whose control group a process has
# that socket open. State 0A is a TCP socket that listens, 07 a UDP socket that takes datagrams from everybody.
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
# Where Docker says that it listens for a published port without an address.
_EVERYWHERE = ("", "0.0.0.0", "::")  # noqa: S104 - recognised, not listened on


@dataclass(frozen=True)
class Listener:
    """A port at one of the host's addresses, "" for all of them; `container` is "" for what is no container of ours."""

    protocol: str
    address: str
    port: int
    container: str = ""

    def __str__(self) -> str:
        """Give it as a person writes it."""
        return f"{self.address or 'every address'}, port {self.port}/{self.protocol}"


def command() -> str:
    """Build the command."""
    return f"bash -c {shlex.quote(sections.script(_SCRIPT.format(label=LABEL)))}"


def parse(output: str) -> frozenset[Listener]:
    """Read what the command printed. Raises ValueError: it is not complete."""
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
    """Give the ports that our containers publish to them: for these the engine listens, or only the firewall knows."""
    published = {one: name for container in ours for one, name in _published(container).items()}
    kept = {one if one.container else replace(one, container=published.get(one, "")) for one in found}
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
