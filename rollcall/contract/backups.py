"""Define the record of the fleet's newest timed backup, and when it is too old."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from rollcall.contract.figures import duration
from rollcall.contract.problems import Problem

# Outside rollcall/front/, whose keys nginx's configuration is rendered from.
KEY = "rollcall/backups/newest"
PATH = f"/v1/kv/{KEY}?raw"
# A backup that takes long, or fails once, is no reason for an alarm.
LATE_FACTOR = 2
KIND = SUBJECT = "backup"


@dataclass(frozen=True)
class Record:
    """The newest timed backup: when it was made (Unix time), by which server, and its file there."""

    time: int
    node: str
    file: str
    bytes: int
    index: int

    def age(self, now: datetime) -> str:
        """Return its age for people."""
        return duration(datetime.fromtimestamp(self.time, UTC).isoformat(), now.isoformat())

    def is_late(self, every: int, now: datetime) -> bool:
        """Whether the next one is overdue."""
        return now.timestamp() - self.time > LATE_FACTOR * every

    def to_json(self) -> Mapping[str, Any]:
        """Return plain data."""
        return asdict(self)


def parse(body: str) -> Record | None:
    """Parse the response to PATH; None for none, and for any other text."""
    try:
        found = json.loads(body)
        return Record(
            int(found["time"]), str(found["node"]), str(found["file"]), int(found["bytes"]), int(found["index"])
        )
    except (ValueError, KeyError, TypeError):
        return None


def problems(newest: Record | None, every: int, now: datetime) -> list[Problem]:
    """Return a problem if the newest backup is overdue, or there is none.

    Args:
        newest: its record.
        every: the seconds between two backups; 0 if the fleet makes none.
        now: this moment.
    """
    if not every or (newest and not newest.is_late(every, now)):
        return []
    due = period(every)
    if newest is None:
        return [Problem(KIND, f"no backup of Consul has been made; one is due every {due}", subject=SUBJECT)]
    text = (
        f"the newest backup of Consul is {newest.age(now)} old, {newest.file} on {newest.node}; one is due every {due}"
    )
    return [Problem(KIND, text, subject=SUBJECT)]


def period(seconds: int) -> str:
    """Format a whole number of seconds in its largest whole unit: "1 h", "90 s"."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
