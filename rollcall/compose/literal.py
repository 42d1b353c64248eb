"""Write declarations as a person writes them in group_data."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

WIDTH = 100
_INDENT = "    "


def assignment(declarations: Sequence[dict[str, Any]]) -> str:
    """Return the setting `services`, as Python."""
    return f"services = {_value(list(declarations), 0, first=len('services = '), lines=True)}\n"


def _value(value: Any, depth: int, *, first: int = 0, lines: bool = False) -> str:
    """Write a value on one line if it fits, behind `first` characters; `lines`: never."""
    flat = _flat(value)
    if not isinstance(value, dict | list) or not value or (not lines and len(flat) + first <= WIDTH):
        return flat
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    inner = _INDENT * (depth + 1)
    parts = "".join(f"{inner}{part},\n" for part in _parts(value, depth + 1))
    return f"{opening}\n{parts}{_INDENT * depth}{closing}"


def _parts(value: Any, depth: int) -> Iterator[str]:
    if isinstance(value, dict):
        for key, inner in value.items():
            head = f"{_flat(key)}: "
            yield head + _value(inner, depth, first=len(head) + len(_INDENT) * depth)
    else:
        # One service below the other, each with a key on each line.
        for inner in value:
            yield _value(inner, depth, first=len(_INDENT) * depth, lines=depth == 1)


def _flat(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_flat(key)}: {_flat(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_flat, value)) + "]"
    # JSON's escapes of a string are Python's, too.
    return json.dumps(value, ensure_ascii=False) if isinstance(value, str) else repr(value)
