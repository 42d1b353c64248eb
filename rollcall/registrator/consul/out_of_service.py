"""What somebody took out of service by Consul's maintenance mode stays out when it is registered again. No I/O."""

from collections.abc import Iterable, Mapping

# How long it is remembered of a service that is not registered at all, in seconds: long enough for its container to be
# stopped, replaced and started again, and not so long that a new one of its name is out for what nobody remembers.
KEPT = 3600.0


def check_id(service_id: str) -> str:
    """The id of the check by which Consul's agent marks a service (agent/structs/structs.go: ServiceMaintPrefix)."""
    return f"_service_maintenance:{service_id}"


def definition(service_id: str, reason: str) -> dict[str, str]:
    """The mark as the agent takes it with the service, so that nobody is sent to it in between.

    The agent's own mark is of a kind that no request can make. This one has the same id, so the agent takes it away
    when maintenance ends; and a time to live, for it must be of some kind. When that is over it is critical as before.
    """
    return {
        "CheckID": check_id(service_id),
        "Name": "Service Maintenance Mode",
        "Notes": reason,
        "TTL": "87600h",
        "Status": "critical",
    }


class OutOfService:
    """Services in maintenance, with the reasons that were given."""

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._reasons: dict[str, tuple[str, float]] = {}

    def seen(self, present: Iterable[str], reasons: Mapping[str, str], now: float) -> None:
        """Take in what an agent has: its services, and why some of them are out."""
        for service_id in present:
            self.told(service_id, reasons.get(service_id), now)
        self._reasons = {key: (reason, at) for key, (reason, at) in self._reasons.items() if at + KEPT > now}

    def told(self, service_id: str, reason: str | None, now: float) -> None:
        """Take in what an agent says of a service that it has; None: it is in service."""
        if reason is None:
            self._reasons.pop(service_id, None)
        else:
            self._reasons[service_id] = reason, now

    def reason(self, service_id: str) -> str | None:
        """Why a service is to be out when it is registered; None where it is not."""
        return self._reasons[service_id][0] if service_id in self._reasons else None
