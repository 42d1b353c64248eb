"""Find which of our images this machine's engine has."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from rollcall.images import build, catalogue
from rollcall.images.catalogue import OwnImage
from rollcall.images.docker import Documents, inspect

# "current": built from these sources; "outdated": from others; "unknown": not built by `rollcall images build`.
State = Literal["current", "outdated", "unknown", "missing"]


@dataclass(frozen=True)
class LocalImage:
    """One of our images on the engine; a missing one has no id."""

    image: OwnImage
    state: State
    id: str = ""
    platform: str = ""
    size: int = 0
    created: datetime | None = None

    def to_json(self) -> dict[str, Any]:
        """Return it as a JSON object; unknown values are null."""
        return {
            "name": self.image.name,
            "reference": self.image.reference,
            "state": self.state,
            "id": self.id or None,
            "platform": self.platform or None,
            "size": self.size or None,
            "created": self.created.isoformat(timespec="seconds") if self.created else None,
        }


def find(images: Iterable[OwnImage]) -> list[LocalImage]:
    """Look images up on this machine's engine.

    Raises:
        RollcallError: it does not respond.
    """
    listed = list(images)
    found = inspect("image", [image.reference for image in listed])
    return [_local(image, found) for image in listed]


def _local(image: OwnImage, found: Documents) -> LocalImage:
    document = found.get(image.reference)
    if document is None:
        return LocalImage(image, "missing")
    built_from = ((document.get("Config") or {}).get("Labels") or {}).get(build.LABEL)
    return LocalImage(
        image,
        "unknown" if built_from is None else "current" if built_from == catalogue.key(image.recipe) else "outdated",
        str(document["Id"]).removeprefix("sha256:")[:12],
        build.platform_of(document),
        int(document["Size"]),
        _time(str(document.get("Created") or "")),
    )


def _time(text: str) -> datetime | None:
    """Parse the engine's time, which has more digits than Python accepts; return None if it is missing."""
    try:
        return datetime.fromisoformat(text[:19]).replace(tzinfo=UTC)
    except ValueError:
        return None


def age(created: datetime, now: datetime) -> str:
    """Format how long ago that was."""
    minutes = int((now - created).total_seconds() // 60)
    for length, unit in ((60 * 24, "day"), (60, "hour"), (1, "minute")):
        if minutes >= length:
            count = minutes // length
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "just now"
