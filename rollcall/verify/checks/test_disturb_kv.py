"""Write a key to the key-value store (--disturb), read it everywhere, and delete it."""

import json
import uuid
from collections.abc import Callable

from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster


def test_put_and_get(cluster: Cluster, passed: Callable[[str], None]) -> None:
    """A key written on one host is readable on every other"""
    key = f"rollcall/verify/{uuid.uuid4()}"
    value = {"name": "rollcall", "hosts": sorted(cluster.hosts), "number": 1.5, "none": None}
    writer = cluster.catalog.any_agent()
    try:
        writer.kv.put(key, json.dumps(value))
        problems = []
        for name, agent in cluster.catalog.agents.items():
            _, entry = agent.kv.get(key)
            found = json.loads(entry["Value"]) if entry else None
            problems += [] if found == value else [f"{name}: {found}"]
    finally:
        writer.kv.delete(key)
    if problems:
        raise CheckError(str(value), problems, f"rollcall verify {cluster.source} --disturb")
    passed(
        f"a JSON value written on one host is readable on every other:  {len(cluster.hosts)} of {len(cluster.hosts)}"
    )
