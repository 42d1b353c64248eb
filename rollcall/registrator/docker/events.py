"""Parse the Docker events that affect services. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

# The event stream's filters; other events (exec, attach) never reach Python.
FILTERS = {
    "type": ["container", "network"],
    "event": ["start", "die", "kill", "pause", "unpause", "rename", "connect", "disconnect", "health_status"],
}


class Change(Enum):
    """What happened to a container."""

    STARTED = "started"
    # Matters only for a container that is known to run: paused, renamed, healthy, on another network.
    CHANGED = "changed"
    SIGNALLED = "signalled"
    DIED = "died"


@dataclass(frozen=True)
class Event:
    """One event of one container. `number` is the signal or the exit code, 0 for other changes.

    `at` is its time by the engine's clock, in seconds since 1970; 0 if unknown.
    """

    container_id: str
    change: Change
    number: int = 0
    at: float = field(default=0.0, compare=False)


CONTAINER_CHANGES = {
    "start": Change.STARTED,
    "die": Change.DIED,
    "kill": Change.SIGNALLED,
    "pause": Change.CHANGED,
    "unpause": Change.CHANGED,
    "rename": Change.CHANGED,
    "health_status": Change.CHANGED,
}
# Docker's times fit 64 bits, in nanoseconds.
LATEST = 2**63
NUMBERS = {Change.DIED: "exitCode", Change.SIGNALLED: "signal"}


def read_event(document: object) -> Event | None:
    """Parse one document of the event stream; None if it changes nothing. Never raises."""
    if not isinstance(document, Mapping):
        return None
    actor = document.get("Actor")
    actor = actor if isinstance(actor, Mapping) else {}
    attributes = actor.get("Attributes")
    attributes = attributes if isinstance(attributes, Mapping) else {}
    nanoseconds = document.get("timeNano")
    at = nanoseconds / 1e9 if isinstance(nanoseconds, int) and 0 < nanoseconds < LATEST else 0.0
    if document.get("Type") == "network":
        return _event(attributes.get("container"), Change.CHANGED, attributes, at)
    # Only health_status has a suffix: "health_status: healthy".
    change = CONTAINER_CHANGES.get(str(document.get("Action")).partition(":")[0])
    return _event(actor.get("ID"), change, attributes, at) if change else None


def _event(container_id: object, change: Change, attributes: Mapping[object, object], at: float) -> Event | None:
    if not isinstance(container_id, str) or not container_id:
        return None
    text = str(attributes.get(NUMBERS.get(change), ""))
    return Event(container_id, change, int(text[:3]) if text.isascii() and text.isdigit() else 0, at)
