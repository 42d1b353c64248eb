"""The listening sockets. They belong to the front's own process, so that they outlive nginx, and the container too.

nginx takes them over at its start as it does from a predecessor of its own when its program is replaced: their numbers
stand in the variable NGINX, and it finds out by their addresses which `listen` each is for (ngx_add_inherited_sockets).
"""

import errno
import socket
from collections.abc import Mapping

from rollcall.front.inputs.settings import Listen

# nginx's own (NGX_LISTEN_BACKLOG); it sets it once more on what it takes over. The kernel caps it at somaxconn.
BACKLOG = 511

Sockets = Mapping[Listen, socket.socket]


class CannotListenError(Exception):
    """An address cannot be had; the text is one sentence."""


def bound(listen: Listen) -> socket.socket:
    """Listen at an address.

    Raises:
        CannotListenError: somebody else does, or this host has no such address.
    """
    address, port = listen
    bare = address.strip("[]")
    family = socket.AF_INET6 if ":" in bare else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            # As nginx does it: the other protocol has a `listen` of its own.
            listening.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # nginx leaves this as it finds it.
        listening.setblocking(False)
        listening.bind((bare, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListenError(refusal(address, port, error)) from error
    return listening


def refusal(address: str, port: int, error: OSError) -> str:
    """Say why an address cannot be listened at, and what to do about it."""
    where = address or "every address"
    if error.errno == errno.EADDRINUSE:
        return (
            f"port {port} at {where} is taken by another program; stop that one (ss -ltnp 'sport = {port}' names it) "
            "or set another port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return f"cannot listen at {where}, port {port}: this host has no such address; set one that it has"
    return f"cannot listen at {where}, port {port}: {error.strerror or error}"


def inherited(sockets: Sockets) -> str:
    """Word the variable NGINX."""
    return "".join(f"{one.fileno()};" for one in sockets.values())
