"""The functions of templates, with the original registrator's names and order of arguments: the subject comes last.

Omitted are its httpGet and jsonParse, which would let a container send requests through the registrator, and its two
with regular expressions, which may never end.
"""

from collections.abc import Callable

from rollcall.registrator.services.template.errors import TemplateError, within_limit

Arguments = tuple[object, ...]


def _text(value: object, function: str) -> str:
    if not isinstance(value, str):
        raise TemplateError(f"{function} needs a text, not {kind(value)}")
    return value


def _number(value: object, function: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TemplateError(f"{function} needs a number, not {kind(value)}")
    return value


def _texts(value: object, function: str) -> list[str]:
    if not isinstance(value, list):
        raise TemplateError(f"{function} needs a list, not {kind(value)}")
    return [_text(part, function) for part in value]


def kind(value: object) -> str:
    """Name a value's type, for messages."""
    names = {str: "a text", bool: "true or false", int: "a number", float: "a number", list: "a list", dict: "a map"}
    return names.get(type(value), "nothing")


def _replace(arguments: Arguments) -> str:
    # With a count first, as in the original, or without one: replace all.
    *count, old, new, text = arguments
    limit = _number(count[0], "replace") if count else -1
    old, new, text = (_text(value, "replace") for value in (old, new, text))
    found = len(text) + 1 if not old else text.count(old)
    within_limit(len(text) + found * len(new))
    return text.replace(old, new, limit)


def _split(arguments: Arguments) -> list[str]:
    separator, text = (_text(value, "split") for value in arguments)
    return text.split(separator) if separator else list(text)


def _join(arguments: Arguments) -> str:
    separator, parts = _text(arguments[0], "join"), _texts(arguments[1], "join")
    within_limit(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _element(position: object, parts: list[str], function: str) -> str:
    # A position beyond an end is that end, as in the original.
    number = _number(position, function)
    if not parts:
        raise TemplateError(f"{function} needs a list that is not empty")
    return parts[max(number, -len(parts))] if number < 0 else parts[min(number, len(parts) - 1)]


def _slice(arguments: Arguments) -> str:
    # The text comes first, as in the original's examples.
    text, start, *end = arguments
    bounds = [_number(value, "strSlice") for value in (start, *end)]
    return _text(text, "strSlice")[slice(*bounds) if end else slice(bounds[0], None)]


def _index(arguments: Arguments) -> object:
    value, *keys = arguments
    for key in keys:
        value = _at(value, key)
    return value


def _at(value: object, key: object) -> object:
    if isinstance(value, list):
        number = _number(key, "index of a list")
        if not 0 <= number < len(value):
            raise TemplateError(f"index {number} is not in a list of {len(value)}")
        return value[number]
    # Docker sometimes writes an empty map as null, and Go's index returns "" for a missing key.
    if isinstance(value, dict) or value is None:
        return (value or {}).get(_text(key, "index of a map"), "")
    raise TemplateError(f"index needs a list or a map, not {kind(value)}")


def _len(arguments: Arguments) -> int:
    value = arguments[0]
    if not isinstance(value, str | list | dict):
        raise TemplateError(f"len needs a text, a list or a map, not {kind(value)}")
    return len(value)


def _and(arguments: Arguments) -> object:
    return next((value for value in arguments if not value), arguments[-1])


def _or(arguments: Arguments) -> object:
    return next((value for value in arguments if value), arguments[-1])


def _eq(arguments: Arguments) -> bool:
    first, *others = arguments
    return any(type(first) is type(other) and first == other for other in others)


def _upper(arguments: Arguments) -> str:
    return _text(arguments[0], "upper").upper()


def _lower(arguments: Arguments) -> str:
    return _text(arguments[0], "lower").lower()


MANY = 20
# Each function with its least and most arguments.
FUNCTIONS: dict[str, tuple[Callable[[Arguments], object], int, int]] = {
    "and": (_and, 1, MANY),
    "eq": (_eq, 2, MANY),
    "index": (_index, 1, MANY),
    "join": (_join, 2, 2),
    "len": (_len, 1, 1),
    "lower": (_lower, 1, 1),
    "mIndex": (lambda arguments: _at(arguments[1], arguments[0]), 2, 2),
    "ne": (lambda arguments: not _eq(arguments), 2, 2),
    "not": (lambda arguments: not arguments[0], 1, 1),
    "or": (_or, 1, MANY),
    "replace": (_replace, 3, 4),
    "sIndex": (lambda arguments: _element(arguments[0], _texts(arguments[1], "sIndex"), "sIndex"), 2, 2),
    "split": (_split, 2, 2),
    "splitIndex": (lambda arguments: _element(arguments[0], _split(arguments[1:]), "splitIndex"), 3, 3),
    "strSlice": (_slice, 2, 3),
    "toLower": (_lower, 1, 1),
    "toUpper": (_upper, 1, 1),
    "upper": (_upper, 1, 1),
}


def call(name: str, arguments: Arguments) -> object:
    """Call a function by name. Raises TemplateError for a wrong number or type of arguments."""
    function, least, most = FUNCTIONS[name]
    if not least <= len(arguments) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise TemplateError(f"{name} takes {wanted} arguments, not {len(arguments)}")
    return function(arguments)
