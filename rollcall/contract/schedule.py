"""When a job is due: five fields of cron, or one of its words, in a time zone."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

WORDS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}
_FIELDS = 5
# Any moment will do to try a schedule.
_SOME_TIME = datetime(2026, 1, 1, tzinfo=UTC)


def schedule(text: str) -> str:
    """Return a schedule unchanged. Raises ValueError: it is none, or its time never comes."""
    try:
        next(_times(text, _SOME_TIME))
    except CronSimError as error:
        raise ValueError(f"invalid schedule: {error}") from None
    except StopIteration:
        raise ValueError("invalid schedule: no day is like that") from None
    return text


def timezone(name: str) -> str:
    """Return a time zone's name unchanged. Raises ValueError: there is none of this name."""
    try:
        ZoneInfo(name)
    except (ValueError, KeyError, OSError):
        raise ValueError("unknown time zone") from None
    return name


def following(text: str, zone: str, after: datetime) -> datetime:
    """Return the first time of a schedule after a moment, in UTC."""
    return next(_times(text, after.astimezone(ZoneInfo(zone))))


def latest(text: str, zone: str, now: datetime, within: timedelta) -> datetime | None:
    """Return the last time of a schedule up to now, in UTC; None if there was none within this long."""
    found = None
    for one in _times(text, (now - within).astimezone(ZoneInfo(zone))):
        if one > now:
            break
        found = one
    return found


def _times(text: str, after: datetime) -> Iterator[datetime]:
    fields = WORDS.get(text, text)
    if len(fields.split()) != _FIELDS:
        # The parser would take a sixth as seconds.
        raise CronSimError(f"got {len(fields.split())} fields")
    # In the hour that an autumn repeats, the parser begins with times of its first pass.
    return (one for one in (local.astimezone(UTC) for local in CronSim(fields, after)) if one > after.astimezone(UTC))
