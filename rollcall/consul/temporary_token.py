"""Create temporary tokens, which Consul itself removes: for a user's shell, or for trying a program."""

import json
import re
from collections.abc import Mapping
from typing import Any

from rollcall.consul.agent_client import Request
from rollcall.errors import RollcallError

OPERATOR, READER = "rollcall-operator", "rollcall-reader"
_UNITS = {"s": 1, "m": 60, "h": 3600}
# Consul's own limits (acl.go: the defaults of acl_token_min_expiration_ttl and acl_token_max_expiration_ttl).
MIN_TTL_SECONDS, MAX_TTL_SECONDS = 60, 24 * 3600


def seconds(ttl: str) -> int:
    """Parse a token's lifetime. Raises RollcallError: it is malformed, or outside Consul's limits."""
    found = re.fullmatch(r"([0-9]{1,6})([smh])", ttl, re.ASCII)
    duration = int(found[1]) * _UNITS[found[2]] if found else 0
    if not MIN_TTL_SECONDS <= duration <= MAX_TTL_SECONDS:
        raise RollcallError(f"--ttl: got {ttl!r}; expected a duration from 1m to 24h, such as 90s, 30m or 8h")
    return duration


def request(duration: int, *, read_only: bool) -> Request:
    """Return the request for a token with the rights of an operator, or for a read-only one."""
    body = {
        "Description": f"rollcall token, {'read only' if read_only else 'operator'}",
        "Policies": [{"Name": READER if read_only else OPERATOR}],
        "ExpirationTTL": f"{duration}s",
        # Local to this datacenter, so that creating it depends on no other.
        "Local": True,
    }
    return Request("PUT", "/v1/acl/token", json.dumps(body))


def secret(response: Mapping[str, Any]) -> str:
    """Return the token in Consul's response."""
    return str(response["SecretID"])
