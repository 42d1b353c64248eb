"""A host as `rollcall status` has read it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rollcall.config.fleet import Member
from rollcall.status.host_status import HostReading

# What Docker says of a container that is not there, and what is said where Docker or Consul was not heard.
GONE = "gone"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Host:
    """A host and what was read of it; `unread` says in a sentence why nothing was."""

    member: Member
    reading: HostReading = field(default_factory=HostReading)
    unread: str = ""
    # Seconds that its clock is ahead of this machine's, as far as reading it can tell.
    clock_offset: float | None = None

    def health(self, container: str | None) -> str:
        """Give a container's health, or its state where it has no health check."""
        if container is None or self.unread:
            return UNKNOWN
        return self._healths.get(container, GONE)

    def container(self, short_id: str) -> str | None:
        """Name the running container of this short id: a service's own id may name any other."""
        running = (one for one in self.reading.containers if short_id and str(one["Id"]).startswith(short_id))
        return next((str(one["Name"]).lstrip("/") for one in running), None)

    @cached_property
    def _healths(self) -> Mapping[str, str]:
        return {
            str(one["Name"]).lstrip("/"): str(
                (one["State"].get("Health") or {}).get("Status") or one["State"]["Status"]
            )
            for one in self.reading.containers
        }


def clock_offset(clock: float | None, started: float, ended: float) -> float | None:
    """Say how far a clock is ahead of this machine's, as far as reading it between two moments can tell."""
    if clock is None:
        return None
    return min(clock - started, 0.0) + max(clock - ended, 0.0)
