"""The key-value store, read only: writing is a disturbance."""

import uuid
from collections.abc import Callable

from rollcall.cluster import Cluster
from rollcall.finding import CheckError


def test_reading(cluster: Cluster, says: Callable[[str], None]) -> None:
    """The key-value store answers on every host"""
    unknown = f"rollcall/verify/{uuid.uuid4()}"
    problems, keys = [], 0
    for name, agent in cluster.agents.items():
        _, value = agent.kv.get(unknown)
        if value is not None:
            problems.append(f"{name}: a key that nobody wrote has the value {value['Value']!r}")
        _, listed = agent.kv.get("", keys=True)
        keys = len(listed or ())
    if problems:
        raise CheckError("404 for a key that nobody wrote", problems, f"rollcall verify {cluster.source}")
    says(f"the key-value store answers on every host: {keys} keys, and 404 for one that nobody wrote")
