"""The listening sockets. They belong to the front's own process, so that they outlive nginx, and the container too.

nginx takes them over at its start as it does from a predecessor of its own when its program is replaced: their numbers
stand in the variable NGINX, and it finds out by their addresses which `listen` each is for (ngx_add_inherited_sockets).
"""

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
        where = f"{address or 'every address'}, port {port}"
        raise CannotListenError(f"cannot listen at {where}: {error.strerror or error}") from error
    return listening


def inherited(sockets: Sockets) -> str:
    """Word the variable NGINX."""
    return "".join(f"{one.fileno()};" for one in sockets.values())
