"""Bind the listening sockets. They belong to the front's own process, so they outlive nginx, and even the container.

nginx inherits them at its start as in an upgrade of its binary: the variable NGINX lists their file descriptors, and
nginx matches each to a `listen` by its address and type (ngx_add_inherited_sockets).
"""

import errno
import socket
from collections.abc import Iterable, Mapping

from rollcall.contract.stream_metadata import Transport
from rollcall.front.inputs.settings import Listen

# nginx's own (NGX_LISTEN_BACKLOG), which it sets again on inherited sockets. The kernel caps it at somaxconn.
BACKLOG = 511

Sockets = Mapping[Listen, socket.socket]


class CannotListenError(Exception):
    """The front cannot listen at an address; the text is one sentence."""


def bound(listen: Listen) -> socket.socket:
    """Listen at an address.

    Raises:
        CannotListenError: another program does, or this host has no such address.
    """
    address, port, transport = listen
    bare = address.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    is_udp = transport == "udp"
    listening = socket.socket(family, socket.SOCK_DGRAM if is_udp else socket.SOCK_STREAM)
    try:
        if is_udp:
            # Each worker has a socket of its own beside this one (nginx's reuseport).
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        else:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # As nginx does: IPv4 has a `listen` of its own.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # nginx keeps this setting of an inherited socket.
        listening.setblocking(False)
        listening.bind((bare, port))
        if not is_udp:
            listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListenError(refusal(address, port, error, transport)) from error
    return listening


def refusal(address: str, port: int, error: OSError, transport: Transport = "tcp") -> str:
    """Word why the front cannot listen at an address, and what to do."""
    where = address or "every address"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} at {where} is taken by another program; stop that one "
            f"(ss -l{transport[0]}np 'sport = {port}' names it) or set another port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"cannot listen at {where}, port {port}: this host has no such address; set one that it has"
    return f"cannot listen at {where}, port {port}: {error.strerror or error}"


def inherited(sockets: Iterable[socket.socket]) -> str:
    """Return the value of the variable NGINX."""
    return "".join(f"{listening.fileno()};" for listening in sockets)
