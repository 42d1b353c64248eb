"""Count the connections that nginx has open to instances, by the kernel's list of sockets.

nginx logs a connection of a stream at its end. The kernel's list also has those of old workers, and forgets none when a
worker crashes.
"""

import os
import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from pathlib import Path

from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.routing.model import Routing

# On the host's network these are the host's: nginx's sockets are those of its user (images/front).
SOCKETS = Path("/proc/net")
_FILES = {False: ("tcp", "tcp6"), True: ("udp", "udp6")}
# Linux, include/net/tcp_states.h; a UDP socket has it while it is connected to one address.
_ESTABLISHED = "01"
# Whether it is UDP, and address:port.
Server = tuple[bool, str]


def count(routing: Routing, catalog: Catalog, sockets: Path = SOCKETS) -> Mapping[Server, int]:
    """Return how many connections this process's user has to each instance of a stream's service.

    Also to those that get no new ones. Connections of HTTP to an instance that has routes, too, cannot be told apart.

    Raises:
        OSError: the list cannot be read.
    """
    listed = (one.instance for upstream in routing.stream_upstreams for one in upstream.servers)
    others = (one for one in catalog.instances if one.service in routing.stream_services)
    found = {server(one): 0 for one in (*listed, *others)}
    for udp, names in _FILES.items():
        wanted = {_written(endpoint): endpoint for of_udp, endpoint in found if of_udp == udp}
        for name in names if wanted else ():
            for remote in _remotes(sockets / name):
                if (endpoint := wanted.get(remote)) is not None:
                    found[udp, endpoint] += 1
    return found


def server(instance: Instance) -> Server:
    """Return an instance's key in the counts."""
    return instance.udp, instance.endpoint


def _remotes(file: Path) -> Iterable[str]:
    """Return the far ends of this user's connections; a kernel without IPv6 has no list of it."""
    # sl: local_address rem_address st tx_queue:rx_queue tr:tm->when retrnsmt uid …
    row = rf"^ *\d+: [0-9A-F:]+ ([0-9A-F:]+) {_ESTABLISHED} \S+ \S+ \S+ +{os.geteuid()} "
    try:
        # With thousands of sockets, one search is several times faster than a loop over lines.
        return re.findall(row, file.read_text(), re.MULTILINE)
    except FileNotFoundError:
        return ()


def _written(endpoint: str) -> str:
    """Write address:port as the kernel does: words of four bytes, each in little-endian order."""
    address, _, port = endpoint.rpartition(":")
    packed = ip_address(address.strip("[]")).packed
    words = (packed[start : start + 4][::-1].hex().upper() for start in range(0, len(packed), 4))
    return f"{''.join(words)}:{int(port):04X}"
