"""Read from an agent's checks which of its services pass, and how long their checks may take to say so."""

from collections.abc import Mapping
from typing import Any

from rollcall.registrator.services import durations


def passing(found: Mapping[str, Mapping[str, Any]]) -> frozenset[str]:
    """Return the ids of the services of which every check passes."""
    states: dict[str, set[str]] = {}
    for check in found.values():
        if check["ServiceID"]:
            states.setdefault(check["ServiceID"], set()).add(check["Status"])
    return frozenset(service for service, status in states.items() if status == {"passing"})


def longest_interval(found: Mapping[str, Mapping[str, Any]]) -> float:
    """Return the longest interval of the checks, in seconds, of texts as Go writes durations, such as 1m30s."""
    intervals = (durations.nanoseconds(check.get("Interval") or "0") for check in found.values())
    return max((interval / 1e9 for interval in intervals if interval is not None), default=0.0)
