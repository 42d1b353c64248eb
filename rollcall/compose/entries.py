"""Import the kinds of values that Compose files hold: one value, a list, pairs."""

from collections.abc import Callable, Iterator
from typing import Any

from rollcall.compose.document import Where
from rollcall.compose.draft import Draft
from rollcall.compose.values import UnmappedError, items, pairs, text
from rollcall.compose.variables import missing_in

# Imports the value of one key.
Key = Callable[[Draft, Where, Any], None]


def handle(draft: Draft, where: Where, value: Any, key: Key) -> None:
    """Import one value, or add the reason why not."""
    try:
        key(draft, where, value)
    except UnmappedError as reason:
        draft.notes.add(where, f"not imported: {reason}")


def single(path: tuple[str, ...], convert: Callable[[Any], Any]) -> Key:
    """Import a value that stands for one value of the declaration."""

    def key(draft: Draft, where: Where, value: Any) -> None:
        draft.add(where, path, convert(whole(value)))

    return key


def listing(path: tuple[str, ...], convert: Callable[[Any], Any] = text) -> Key:
    """Import each item of a list; `convert` returns an item of the declaration."""

    def key(draft: Draft, where: Where, value: Any) -> None:
        for place, item in each(draft, where, value):
            handle(draft, place, item, single(path, lambda one: [convert(one)]))

    return key


def mapping(path: tuple[str, ...], convert: Callable[[Any], Any] = text, separators: str = "=") -> Key:
    """Import each entry of a mapping, or of a list of "key=value"."""

    def key(draft: Draft, where: Where, value: Any) -> None:
        for place, name, inner in each_pair(draft, where, value, separators):
            handle(draft, place, inner, single(path, named(name, convert)))

    return key


def named(name: str, convert: Callable[[Any], Any] = text) -> Callable[[Any], dict[str, Any]]:
    """Return a conversion to an entry of this name."""
    return lambda value: {name: convert(value)}


def each(draft: Draft, where: Where, value: Any) -> Iterator[tuple[Where, Any]]:
    """Yield each item of a list with its place; add a note for one with a variable that has no value."""
    for position, item in enumerate(items(value)):
        place = (*where, position) if isinstance(value, list) else where
        if missing := missing_in(item):
            draft.notes.add(place, f"not imported: {without_value(missing.variable)}")
        else:
            yield place, item


def each_pair(draft: Draft, where: Where, value: Any, separators: str = "=") -> Iterator[tuple[Where, str, Any]]:
    """Yield each entry's place, name and value, None without one; add notes as `each` does."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if missing := missing_in(inner):
                draft.notes.add((*where, name), f"not imported: {without_value(missing.variable)}")
            else:
                yield (*where, name), name, inner
        return
    for place, item in each(draft, where, value):
        for name, inner in pairs(item, separators):
            yield place, name, inner


def whole(value: Any) -> Any:
    """Return a value whose variables all have values. Raises UnmappedError."""
    if missing := missing_in(value):
        raise UnmappedError(without_value(missing.variable))
    return value


def without_value(variable: str) -> str:
    """Return the reason why a value with this variable cannot be imported."""
    return f"the variable {variable} has no value here; write the value itself"
