"""Consul's keys below rollcall/front/, by which people tell the fronts something, as requests and as answers."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any
from urllib.parse import quote

from rollcall.consul.agent_client import OwnAgent, Request

PREFIX = "rollcall/front/"


def keys(agent: OwnAgent, prefix: str) -> dict[str, str]:
    """Read the keys that begin with a prefix, written without rollcall/front/. Raises as OwnAgent.read does."""
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
    return f"/v1/kv/{quote(PREFIX + key)}"
