"""Tokens for a while, which Consul itself removes: for a person's shell, or a program that is tried out."""

import json
import re
from collections.abc import Mapping
from typing import Any

from rollcall.consul.agent_client import Request
from rollcall.errors import RollcallError

OPERATOR, READER = "rollcall-operator", "rollcall-reader"
_UNITS = {"s": 1, "m": 60, "h": 3600}
# Consul's own bounds (acl.go: the defaults of acl_token_min_expiration_ttl and its counterpart).
SHORTEST, LONGEST = 60, 24 * 3600


def seconds(ttl: str) -> int:
    """Read how long a token is good for. Raises RollcallError: it is no duration, or one that Consul does not take."""
    found = re.fullmatch(r"([0-9]{1,6})([smh])", ttl, re.ASCII)
    duration = int(found[1]) * _UNITS[found[2]] if found else 0
    if not SHORTEST <= duration <= LONGEST:
        raise RollcallError(f"--ttl: got {ttl!r}; expected a duration from 1m to 24h, such as 90s, 30m or 8h")
    return duration


def request(duration: int, *, read_only: bool) -> Request:
    """Ask for a token with the rights of an operator, or for one that only reads."""
    body = {
        "Description": f"rollcall token, {'read only' if read_only else 'operator'}",
        "Policies": [{"Name": READER if read_only else OPERATOR}],
        "ExpirationTTL": f"{duration}s",
        # One datacenter's own: it needs no other to be made.
        "Local": True,
    }
    return Request("PUT", "/v1/acl/token", json.dumps(body))


def secret(answer: Mapping[str, Any]) -> str:
    """Take the token out of Consul's response."""
    return str(answer["SecretID"])
