"""Read the key-value store on every host, without writing."""

import uuid
from collections.abc import Callable

from rollcall.verify.catalog import AGENT_ERRORS, failure
from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster


def test_reading(cluster: Cluster, passed: Callable[[str], None]) -> None:
    """The key-value store responds on every host"""
    unknown = f"rollcall/verify/{uuid.uuid4()}"
    problems, keys = [], 0
    for name, agent in cluster.catalog.agents.items():
        try:
            _, value = agent.kv.get(unknown)
            _, listed = agent.kv.get("", keys=True)
        except AGENT_ERRORS as problem:
            problems.append(f"{name}: {failure(problem)}")
            continue
        if value is not None:
            problems.append(f"{name}: an unknown key has the value {value['Value']!r}")
        keys = len(listed or ())
    if problems:
        command = cluster.command_line(problems[0].split(":")[0], "docker logs --tail 20 consul")
        raise CheckError("404 for an unknown key, on every host", problems, command)
    passed(f"the key-value store responds on every host: {keys} keys, and 404 for an unknown one")
