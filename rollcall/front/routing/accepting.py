"""Who still accepts connections: asked over TCP, many at the same time."""

import asyncio
import socket
from collections.abc import Collection

from rollcall.contract.timeouts import stretched
from rollcall.front.inputs.catalog import Instance

# nginx, too, gives a server one second to accept (proxy_connect_timeout).
SECONDS = stretched(1.0)
# Far below the 1,024 file descriptors that a process may usually have.
AT_ONCE = 200


async def accepting(
    instances: Collection[Instance], seconds: float = SECONDS, at_once: int = AT_ONCE
) -> frozenset[Instance]:
    """Return those of the instances that accept a connection within so many seconds."""
    turn = asyncio.Semaphore(at_once)

    async def asked(instance: Instance) -> bool:
        async with turn:
            return await _accepts(instance.address, instance.port, seconds)

    answers = await asyncio.gather(*map(asked, instances))
    return frozenset(one for one, accepts in zip(instances, answers, strict=True) if accepts)


async def _accepts(address: str, port: int, seconds: float) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(connection, (address, port))
    except (OSError, ValueError, OverflowError):
        # TimeoutError is an OSError; the others are of an address or a port that cannot be.
        return False
    return True
