"""Set and read Consul's own maintenance mode, of nodes and of single services.

DNS, the API and the fronts send no requests to what is in maintenance, while it keeps running. The agent stores the
mode on disk, and the registrator preserves it when it registers a service again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from rollcall.consul.agent_client import Request
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE, SERVICE_MAINTENANCE
from rollcall.registrator.services.identity import path_segment

REASON = "rollcall drain"


def of_node(*, enable: bool, reason: str = REASON) -> Request:
    """Take an agent's whole node out of service, or put it back."""
    return Request("PUT", f"/v1/agent/maintenance?{_query(enable, reason)}")


def of_service(identity: str, *, enable: bool, reason: str = REASON) -> Request:
    """Take one service of an agent out, or put it back."""
    return Request("PUT", f"/v1/agent/service/maintenance/{path_segment(identity)}?{_query(enable, reason)}")


def _query(enable: bool, reason: str) -> str:
    return urlencode({"enable": "true", "reason": reason}) if enable else urlencode({"enable": "false"})


def nodes(checks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Return the nodes in maintenance, from a list of checks."""
    return frozenset(check["Node"] for check in checks if check["CheckID"] == NODE_MAINTENANCE)


def among(checks: Iterable[Mapping[str, Any]], identity: str) -> bool:
    """Return whether a service is in maintenance, from its checks and its node's."""
    return any(check["CheckID"] in (NODE_MAINTENANCE, f"{SERVICE_MAINTENANCE}{identity}") for check in checks)


def in_maintenance(identities: Collection[str], checks: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return an agent's services that are in maintenance themselves, from the response to /v1/agent/checks."""
    return frozenset(identity for identity in identities if f"{SERVICE_MAINTENANCE}{identity}" in checks)
