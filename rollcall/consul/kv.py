"""Read and write Consul's keys below rollcall/front/, through which users control the fronts."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any

from rollcall.consul.agent_client import AgentClient, Request
from rollcall.contract import acme_keys
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import path_fault, path_segment

PREFIX = "rollcall/front/"


def keys(agent: AgentClient, prefix: str) -> dict[str, str]:
    """Read the keys with a prefix; both without rollcall/front/. Raises as AgentClient.read does."""
    return decoded(agent.read(f"{_path(prefix)}?recurse=true") or ())


def value_of(agent: AgentClient, key: str) -> str:
    """Read one of Consul's keys by its whole name; "" without it. Raises as AgentClient.read does."""
    entries = agent.read(f"/v1/kv/{key}") or [{"Value": ""}]
    return base64.b64decode(entries[0]["Value"] or "").decode(errors="replace")


def decoded(entries: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Decode Consul's entries, without rollcall/front/; Consul returns null for an empty value."""
    return {
        entry["Key"].removeprefix(PREFIX): base64.b64decode(entry["Value"] or "").decode(errors="replace")
        for entry in entries
    }


def put(key: str, value: str) -> Request:
    """Write a key."""
    return Request("PUT", _path(key), value)


def request_renewal(name: str) -> Request:
    """Ask the ACME programs for a new certificate of a name."""
    return Request("PUT", f"/v1/kv/{acme_keys.RENEWALS}{path_segment(name)}", "")


def delete(key: str) -> Request:
    """Remove a key; a missing key is not an error."""
    return Request("DELETE", _path(key))


def _path(key: str) -> str:
    """Return the path of a key. Raises RollcallError: Consul would normalise it into another key, or reject it."""
    # A prefix, and a folder that Consul's UI creates, end with a slash.
    segments = key.removesuffix("/").split("/")
    wrong = [segment for segment in segments if segment != segment.strip() or path_fault(segment)]
    if wrong and key:
        raise RollcallError(
            f"invalid key {PREFIX + key!r}: expected printable parts other than '.', '..' and nothing between slashes, "
            f"got {wrong[0]!r}"
        )
    return "/v1/kv/" + "/".join(map(path_segment, (PREFIX + key).split("/")))
