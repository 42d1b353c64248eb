"""Find the instances that accept TCP connections, many at the same time."""

import asyncio
import socket
from collections.abc import Collection

from rollcall.contract.timeouts import stretched
from rollcall.front.inputs.catalog import Instance

# As nginx: proxy_connect_timeout is one second.
CONNECT_TIMEOUT_SECONDS = stretched(1.0)
# Far below the usual limit of 1,024 file descriptors.
MAX_CONCURRENT = 200


async def accepting(
    instances: Collection[Instance], seconds: float = CONNECT_TIMEOUT_SECONDS, at_once: int = MAX_CONCURRENT
) -> frozenset[Instance]:
    """Return the instances that accept a connection within the timeout."""
    turn = asyncio.Semaphore(at_once)

    async def accepts(instance: Instance) -> bool:
        async with turn:
            return await _accepts(instance.address, instance.port, seconds)

    results = await asyncio.gather(*map(accepts, instances))
    return frozenset(instance for instance, accepted in zip(instances, results, strict=True) if accepted)


async def _accepts(address: str, port: int, seconds: float) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            async with asyncio.timeout(seconds):
                await asyncio.get_running_loop().sock_connect(connection, (address, port))
    except (OSError, ValueError, OverflowError):
        # TimeoutError is an OSError; the others come from an invalid address or port.
        return False
    return True
