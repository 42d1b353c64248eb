"""Consul's keys below rollcall/front/, by which people tell the fronts something, as requests and as answers."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from rollcall.consul.agent_client import AgentClient, Request
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import path_fault, path_segment

PREFIX = "rollcall/front/"


def keys(agent: AgentClient, prefix: str) -> dict[str, str]:
    """Read the keys that begin with a prefix, written without rollcall/front/. Raises as AgentClient.read does."""
    return decoded(agent.read(f"{_path(prefix)}?recurse=true") or ())


def decoded(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Read what Consul answers, without rollcall/front/; an empty value is null there."""
    return {
        one["Key"].removeprefix(PREFIX): base64.b64decode(one["Value"] or "").decode(errors="replace")
        for one in entries
    }


def put(key: str, value: str) -> Request:
    """Write a key."""
    return Request("PUT", _path(key), value)


def delete(key: str) -> Request:
    """Remove a key; one that is not there is no error."""
    return Request("DELETE", _path(key))


def _path(key: str) -> str:
    """Write a key into a path as it is. Raises RollcallError: Consul would clean it into another key, or refuse it."""
    # A prefix, and a folder as Consul's own page makes it, end with a slash.
    segments = key.removesuffix("/").split("/")
    wrong = [one for one in segments if one != one.strip() or path_fault(one)]
    if wrong and key:
        raise RollcallError(
            f"invalid key {PREFIX + key!r}: expected printable parts other than '.', '..' and nothing between slashes, "
            f"got {wrong[0]!r}"
        )
    return "/v1/kv/" + "/".join(map(path_segment, (PREFIX + key).split("/")))
