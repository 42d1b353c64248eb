"""List the established TCP connections to some ports, in a container's or the host's network."""

import ipaddress
import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass

from rollcall import sections

# The host's own network; any other is named by a container's id.
HOST = "host"

# A missing container has no connections; if the engine does not respond, the script fails. The columns of /proc/net/tcp
# are 2: local end, 3: remote end, 4: state, where 01 is ESTABLISHED (Linux, include/net/tcp_states.h).
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
    """A TCP port in a network: HOST, or a container's id."""

    network: str
    number: int


@dataclass(frozen=True)
class Connection:
    """One established connection to a port; `peer` is the remote address."""

    port: Port
    peer: str


def command(networks: Iterable[str]) -> str:
    """Build the shell command that lists all established connections of these networks."""
    names = sorted(set(networks))
    for name in names:
        if name != HOST and not re.fullmatch("[0-9a-f]{64}", name):
            raise ValueError(f"invalid network: expected a container's id, got {name!r}")
    ids = shlex.join(name for name in names if name != HOST)
    return sections.script(_SCRIPT.format(host=HOST if HOST in names else "", ids=ids))


def parse(output: str, ports: Iterable[Port]) -> tuple[Connection, ...]:
    """Parse the connections to these ports.

    Ignore a container's connections to itself: its own health check is not a client to wait for.

    Raises:
        ValueError: the output is incomplete.
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
    """Parse an address as Linux prints it: words of four bytes, each in little-endian order."""
    words = [bytes.fromhex(text[start : start + 8])[::-1] for start in range(0, len(text), 8)]
    packed = b"".join(words)
    if len(packed) == 4:
        return ipaddress.IPv4Address(packed)
    address = ipaddress.IPv6Address(packed)
    return address.ipv4_mapped or address
