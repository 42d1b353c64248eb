"""Keep services in Consul's maintenance mode when they are registered again. No I/O."""

from collections.abc import Iterable, Mapping

# How long to remember the maintenance of a service that is not registered: enough to replace its container, too
# short to surprise a new container of the same name.
MEMORY_SECONDS = 3600.0


def check_id(service_id: str) -> str:
    """Return the id of the agent's maintenance check (agent/structs/structs.go: ServiceMaintPrefix)."""
    return f"_service_maintenance:{service_id}"


def definition(service_id: str, reason: str) -> dict[str, str]:
    """Return the maintenance check to register with the service, so that it gets no requests in between.

    No request can make a check of the agent's own kind. This TTL check has the same id, so the agent removes it when
    maintenance ends, and an expired TTL is critical as before.
    """
    return {
        "CheckID": check_id(service_id),
        "Name": "Service Maintenance Mode",
        "Notes": reason,
        "TTL": "87600h",
        "Status": "critical",
    }


class OutOfService:
    """Services in maintenance, with their reasons."""

    def __init__(self) -> None:
        """Start empty."""
        self._reasons: dict[str, tuple[str, float]] = {}

    def update_all(self, present: Iterable[str], reasons: Mapping[str, str], now: float) -> None:
        """Take in all services of an agent, and the reasons of those in maintenance."""
        for service_id in present:
            self.update(service_id, reasons.get(service_id), now)
        self._reasons = {key: (reason, at) for key, (reason, at) in self._reasons.items() if at + MEMORY_SECONDS > now}

    def update(self, service_id: str, reason: str | None, now: float) -> None:
        """Take in one service of an agent; no reason: it is in service."""
        if reason is None:
            self._reasons.pop(service_id, None)
        else:
            self._reasons[service_id] = reason, now

    def reason(self, service_id: str) -> str | None:
        """Return why to register a service in maintenance, None for in service."""
        return self._reasons[service_id][0] if service_id in self._reasons else None
