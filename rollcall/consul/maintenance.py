"""Consul's own maintenance mode, of nodes and of single services, as requests to an agent and in what it shows.

Nobody is sent to what is in maintenance, by DNS, the API or a front, while it goes on running. The agent keeps it on
disk, and a registrator keeps it when it registers a service again.
"""

from collections.abc import Collection, Iterable, Mapping
from typing import Any
from urllib.parse import urlencode

from rollcall.consul.agent_client import Request
from rollcall.contract.maintenance_checks import NODE_MAINTENANCE, SERVICE_MAINTENANCE
from rollcall.registrator.services.identity import path_segment

REASON = "rollcall drain"


def of_node(*, enable: bool) -> Request:
    """Take an agent's whole node out of service, or put it back."""
    return Request("PUT", f"/v1/agent/maintenance?{_query(enable)}")


def of_service(identity: str, *, enable: bool) -> Request:
    """Take one service of an agent out, or put it back."""
    return Request("PUT", f"/v1/agent/service/maintenance/{path_segment(identity)}?{_query(enable)}")


def _query(enable: bool) -> str:
    return urlencode({"enable": "true", "reason": REASON}) if enable else urlencode({"enable": "false"})


def nodes(checks: Iterable[Mapping[str, Any]]) -> frozenset[str]:
    """Name the nodes that are in maintenance, from a list of checks."""
    return frozenset(one["Node"] for one in checks if one["CheckID"] == NODE_MAINTENANCE)


def among(checks: Iterable[Mapping[str, Any]], identity: str) -> bool:
    """Tell by a service's checks, its node's among them, whether it is in maintenance."""
    return any(one["CheckID"] in (NODE_MAINTENANCE, f"{SERVICE_MAINTENANCE}{identity}") for one in checks)


def in_maintenance(identities: Collection[str], checks: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Tell which of an agent's services are in maintenance by themselves, from the answer to /v1/agent/checks."""
    return frozenset(one for one in identities if f"{SERVICE_MAINTENANCE}{one}" in checks)
