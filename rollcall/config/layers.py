"""The places that set data for a host, and how they add up: sections key by key, the stronger place wins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

# pyinfra's --data, which is stronger than any file.
OVERRIDE = "--data"
# The declarations of users' services.
SERVICES = "services"
# Lists that add up over the places, each item from one place; of any other list the strongest place's counts.
ADDED = frozenset({SERVICES})


@dataclass(frozen=True)
class Layer:
    """What one place sets for a host: a file of group data, a group or a host in the inventory, or --data.

    source: the file, or OVERRIDE; group: the group whose data it is, "" for a host's own.
    """

    source: str
    group: str
    # No secret of the data may reach a traceback.
    data: Mapping[str, Any] = field(repr=False, hash=False)


def merged(layers: Sequence[Layer]) -> dict[str, Any]:
    """Add layers up, the weakest first: dicts are merged key by key at any depth, all else but ADDED is replaced."""
    result: dict[str, Any] = {}
    for layer in layers:
        added = {
            key: [*result[key], *layer.data[key]]
            for key in ADDED
            if _is_list(result, key) and _is_list(layer.data, key)
        }
        result = {**_over(result, layer.data), **added}
    return result


def _is_list(data: Mapping[str, Any], key: str) -> bool:
    return isinstance(data.get(key), list | tuple)


def of_item(layers: Sequence[Layer], path: Sequence[str | int]) -> tuple[Sequence[Layer], Sequence[str | int]]:
    """Find the layer that an item of an ADDED list stands in, and its path there; return any other path as it is."""
    if len(path) < 2 or path[0] not in ADDED or not isinstance(path[1], int):
        return layers, path
    key, left = str(path[0]), path[1]
    for layer in layers:
        own = len(layer.data[key]) if _is_list(layer.data, key) else 0
        if left < own:
            return (layer,), (key, left, *path[2:])
        left -= own
    return layers, path


def _over(weak: Mapping[str, Any], strong: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **weak,
        **{
            key: _over(weak[key], value) if isinstance(value, Mapping) and isinstance(weak.get(key), Mapping) else value
            for key, value in strong.items()
        },
    }


@dataclass(frozen=True)
class Assignment:
    """A value that a layer sets."""

    layer: Layer
    value: Any


def assignments(layers: Sequence[Layer], path: Sequence[str | int]) -> tuple[Assignment, ...]:
    """Find who sets the value at a path: first the layer whose value counts, then those that it overrides.

    A section has no single place: of those that set something in it the strongest comes first.
    """
    found: list[Assignment] = []
    for layer in reversed(layers):
        depth, value = follow(layer.data, path)
        if depth == len(path):
            found.append(Assignment(layer, value))
        elif not isinstance(value, Mapping):
            # A list, a number or a text here replaces all that weaker layers say of this section.
            break
    return tuple(found)


def follow(data: Any, path: Sequence[str | int]) -> tuple[int, Any]:
    """Go down a path as far as there is something; give the steps made and the value reached."""
    for depth, part in enumerate(path):
        if isinstance(data, Mapping):
            known = part in data
        else:
            known = isinstance(data, list | tuple) and isinstance(part, int) and part < len(data)
        if not known:
            return depth, data
        data = data[part]
    return len(path), data


def leaves(data: Mapping[str, Any], above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """List every value that is no section, with its path; an empty section is a value."""
    for key, value in data.items():
        path = (*above, key)
        if isinstance(value, Mapping) and value:
            yield from leaves(value, path)
        else:
            yield path, value
