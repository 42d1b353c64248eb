"""Which TCP connections are established to some ports, read where they end: in a container's network, or a host's."""

import ipaddress
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from rollcall import sections

# The network of the host itself; any other is named by a container's id.
HOST = "host"

# A container that is gone has no connections; an engine that does not answer says nothing about any.
# In /proc/net/tcp the second column is the local end, the third the other, the fourth the state: 01 is ESTABLISHED
# (Linux, include/net/tcp_states.h).
_SCRIPT = r"""
running=$(docker ps --quiet --no-trunc) || exit 1
{{
  [ -z "{host}" ] || echo "{host} self"
  ids=$(for id in {ids}; do echo "$running" | grep -xF -e "$id"; done)
  [ -z "$ids" ] || docker inspect --type container --format '{{{{.Id}}}} {{{{.State.Pid}}}}' $ids 2>/dev/null
}} | while read -r network process; do
  section "$network"
  [ "$process" = 0 ] ||
    awk '$4 == "01" {{ print $2, $3 }}' "/proc/$process/net/tcp" "/proc/$process/net/tcp6" 2>/dev/null
done
"""


@dataclass(frozen=True)
class Port:
    """A TCP port in a network: HOST, or that of a container, by its id."""

    network: str
    number: int


@dataclass(frozen=True)
class Connection:
    """One established connection to a port; `peer` is the address at its other end."""

    port: Port
    peer: str


def command(networks: Iterable[str]) -> str:
    """Build the shell command that lists all established connections of these networks."""
    names = sorted(set(networks))
    for name in names:
        if name != HOST and not re.fullmatch("[0-9a-f]{64}", name):
            raise ValueError(f"{name!r} is no container's id")
    ids = shlex.join(name for name in names if name != HOST)
    return sections.script(_SCRIPT.format(host=HOST if HOST in names else "", ids=ids))


def parse(output: str, ports: Iterable[Port]) -> tuple[Connection, ...]:
    """Give the connections to these ports.

    What a container says to itself is left out: its own health check is nobody who waits for an answer.

    Raises:
        ValueError: the output is not complete.
    """
    wanted = set(ports)
    found = []
    for network, text in sections.read(output).items():
        for line in sections.lines(text):
            local, remote = line.split()
            port = Port(network, int(local.rpartition(":")[2], 16))
            peer = _address(remote.rpartition(":")[0])
            if port in wanted and (port.network == HOST or not peer.is_loopback):
                found.append(Connection(port, str(peer)))
    return tuple(found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """Read an address as Linux prints it: words of four bytes, in the order of a little-endian machine's memory."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    packed = b"".join(words)
    if len(packed) == 4:
        return ipaddress.IPv4Address(packed)
    address = ipaddress.IPv6Address(packed)
    return address.ipv4_mapped or address
