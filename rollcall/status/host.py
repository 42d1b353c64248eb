"""One host's reading for `rollcall status`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from rollcall.config.fleet import Member
from rollcall.config.image_version import version
from rollcall.status.host_status import HostReading

# The state of a container that Docker does not have, and of one whose host could not be read.
GONE = "gone"
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Host:
    """A host and its reading; `unread` is the reason, in one sentence, if there is none."""

    member: Member
    reading: HostReading = field(default_factory=HostReading)
    unread: str = ""
    # Seconds by which its clock is ahead of this machine's, at least.
    clock_offset: float | None = None

    def health(self, container: str | None) -> str:
        """Return a container's health, or its state without a health check."""
        if container is None or self.unread:
            return UNKNOWN
        return self._healths.get(container, GONE)

    def container(self, short_id: str) -> str | None:
        """Return the name of the running container with this short id; a custom service id may have any other name."""
        running = (
            container for container in self.reading.containers if short_id and str(container["Id"]).startswith(short_id)
        )
        return next((str(container["Name"]).lstrip("/") for container in running), None)

    def version(self, container: str | None) -> str:
        """Return the version of a running container's image; "" if it is unknown."""
        return self._versions.get(container or "", "")

    @cached_property
    def _versions(self) -> Mapping[str, str]:
        images = {
            str(container["Name"]).lstrip("/"): str((container.get("Config") or {}).get("Image") or "")
            for container in self.reading.containers
        }
        return {name: version(image) for name, image in images.items() if image}

    @cached_property
    def _healths(self) -> Mapping[str, str]:
        return {
            str(container["Name"]).lstrip("/"): str(
                (container["State"].get("Health") or {}).get("Status") or container["State"]["Status"]
            )
            for container in self.reading.containers
        }


def clock_offset(clock: float | None, started: float, ended: float) -> float | None:
    """Return how far a clock, read between two moments, is at least ahead of this machine's."""
    if clock is None:
        return None
    return min(clock - started, 0.0) + max(clock - ended, 0.0)
