"""The key-value store, read only: writing is a disturbance."""

import uuid
from collections.abc import Callable

from rollcall.verify.catalog import UNANSWERED, unanswered
from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster


def test_reading(cluster: Cluster, says: Callable[[str], None]) -> None:
    """The key-value store answers on every host"""
    unknown = f"rollcall/verify/{uuid.uuid4()}"
    problems, keys = [], 0
    for name, agent in cluster.catalog.agents.items():
        try:
            _, value = agent.kv.get(unknown)
            _, listed = agent.kv.get("", keys=True)
        except UNANSWERED as problem:
            problems.append(f"{name}: {unanswered(problem)}")
            continue
        if value is not None:
            problems.append(f"{name}: a key that nobody wrote has the value {value['Value']!r}")
        keys = len(listed or ())
    if problems:
        command = cluster.shown(problems[0].split(":")[0], "docker logs --tail 20 consul")
        raise CheckError("404 for a key that nobody wrote, on every host", problems, command)
    says(f"the key-value store answers on every host: {keys} keys, and 404 for one that nobody wrote")
