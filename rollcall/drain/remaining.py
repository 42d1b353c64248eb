"""Describe what still keeps a target from being drained."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from rollcall.drain.connections import Connection, Port


@dataclass(frozen=True)
class Remaining:
    """What remains: the fronts that still send requests, the connections, and the hosts that could not be read."""

    fronts: tuple[str, ...] = ()
    connections: tuple[Connection, ...] = ()
    unknown: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Whether anything remains."""
        return bool(self.fronts or self.connections or self.unknown)


def words(left: Remaining, instances: Mapping[Port, str], hosts: Mapping[str, str]) -> str:
    """Describe what remains.

    Args:
        left: what remains.
        instances: the instances' ids by port.
        hosts: the names of the fleet's hosts by address; other peers appear with their address.
    """
    fronts = [f"{', '.join(left.fronts)} still {'sends' if len(left.fronts) == 1 else 'send'} requests to it"]
    return "; ".join(
        [
            *(fronts if left.fronts else ()),
            *([_connections(left.connections, instances, hosts)] if left.connections else ()),
            *left.unknown,
        ]
    )


def _connections(connections: Iterable[Connection], instances: Mapping[Port, str], hosts: Mapping[str, str]) -> str:
    counts = Counter(
        (instances[connection.port], hosts.get(connection.peer, connection.peer)) for connection in connections
    )
    total = counts.total()
    each = ", ".join(f"{number} of {peer} to {identity}" for (identity, peer), number in sorted(counts.items()))
    return f"{total} connection{'s are' if total > 1 else ' is'} left: {each}"
