"""Parse the values of Compose files: words, pairs, sizes and durations. The functions raise UnmappedError."""

import math
import re
import shlex
from typing import Any

from rollcall.registrator.services.durations import nanoseconds

_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(b|k|kb|m|mb|g|gb)?", re.IGNORECASE)
_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
MIB = 1024**2
SECOND = 10**9


class UnmappedError(Exception):
    """A value has no counterpart in a declaration. The text is the reason."""


def text(value: Any) -> str:
    """Return a scalar as Compose does."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None or isinstance(value, dict | list):
        raise UnmappedError(f"got {value!r}; expected a string")
    return str(value)


def words(value: Any) -> list[str]:
    """Return a command's words: of a string, those that a shell would see."""
    if isinstance(value, list):
        return [text(word) for word in value]
    try:
        return shlex.split(text(value))
    except ValueError as error:
        raise UnmappedError(f"got {value!r} ({error}); expected a command") from None


def items(value: Any) -> list[Any]:
    """Return a list; a scalar alone is a list of one."""
    if isinstance(value, dict):
        raise UnmappedError("got a mapping; expected a list")
    return value if isinstance(value, list) else [value]


def pairs(entry: Any, separators: str = "=") -> list[tuple[str, Any]]:
    """Return key and value of an entry such as "key=value", None without a value; of a mapping, each of its own."""
    if isinstance(entry, dict):
        return list(entry.items())
    whole = text(entry)
    at = next((place for place, letter in enumerate(whole) if letter in separators), len(whole))
    return [(whole[:at], whole[at + 1 :] if at < len(whole) else None)]


def mebibytes(value: Any) -> int:
    """Return a size in MiB, rounded up."""
    match = _SIZE.fullmatch(text(value).strip())
    if not match:
        raise UnmappedError(f"got {value!r}; expected a size such as 64m")
    unit = (match[2] or "").lower()
    return math.ceil(float(match[1]) * _UNITS[unit[:1]] / MIB)


def duration(value: Any) -> str:
    """Return a duration in one unit, as declarations have it."""
    length = _length(value)
    return f"{length // SECOND}s" if length % SECOND == 0 else f"{length // 10**6}ms"


def seconds(value: Any) -> int:
    """Return a duration in seconds, rounded up."""
    return math.ceil(_length(value) / SECOND)


def _length(value: Any) -> int:
    length = nanoseconds(text(value))
    if length is None:
        raise UnmappedError(f"got {value!r}; expected a duration such as 1m30s")
    return length


def number(value: Any) -> float:
    """Return a number, which may be written as a string."""
    try:
        return float(text(value))
    except ValueError:
        raise UnmappedError(f"got {value!r}; expected a number") from None


def integer(value: Any) -> int:
    """Return an integer, which may be written as a string."""
    try:
        return int(text(value))
    except ValueError:
        raise UnmappedError(f"got {value!r}; expected an integer") from None


def switch(value: Any) -> bool:
    """Return a boolean, which may be written as a string."""
    shown = text(value).lower()
    if shown not in ("true", "false"):
        raise UnmappedError(f"got {value!r}; expected true or false")
    return shown == "true"
