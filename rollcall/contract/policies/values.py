"""Parse the values of policies. Everything that is not understood completely raises ValueError."""

import re
from collections.abc import Callable, Mapping, Sequence

from rollcall.contract.networks import network

YES, NO = frozenset({"true", "yes", "1", "on"}), frozenset({"false", "no", "0", "off"})
_SIZE = re.compile(r"0|[1-9][0-9]{0,5}[kmg]")
_NAME = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
# As many as fit into one value of Consul's Meta.
MAX_ITEMS = 64


def switch(text: str) -> str:
    """Return "on" or "off"."""
    if text.lower() in YES:
        return "on"
    if text.lower() in NO:
        return "off"
    raise ValueError


def enabled(text: str) -> str:
    """Return "on", or "" for off: the policy is then as if it was not set."""
    return "on" if switch(text) == "on" else ""


def size(text: str) -> str:
    """Return a size as nginx writes it."""
    if not _SIZE.fullmatch(text.lower()):
        raise ValueError
    return text.lower()


def integer(least: int, most: int) -> Callable[[str], str]:
    """Make a parser of integers within bounds."""

    def parse(text: str) -> str:
        if not re.fullmatch(r"[0-9]{1,6}", text, re.ASCII) or not least <= int(text) <= most:
            raise ValueError
        return str(int(text))

    return parse


def name(text: str) -> str:
    """Return a DNS label."""
    if not _NAME.fullmatch(text):
        raise ValueError
    return text


def items(text: str) -> list[str]:
    """Split a list at commas and spaces."""
    found = text.replace(",", " ").split()
    if not found or len(found) > MAX_ITEMS:
        raise ValueError
    return list(dict.fromkeys(found))


def networks(text: str) -> str:
    """Return a list of networks in canonical form."""
    return " ".join(dict.fromkeys(network(item) for item in items(text)))


def written(value: object) -> str:
    """Write a value of group data as metadata writes it; a dict holds headers.

    Raises:
        ValueError: it has another type.
    """
    if isinstance(value, bool):
        return "on" if value else "off"
    if isinstance(value, int | str):
        return str(value)
    if isinstance(value, Mapping) and all(isinstance(part, str) for pair in value.items() for part in pair):
        if any("|" in part for pair in value.items() for part in pair):
            raise ValueError
        return " | ".join(f"{key}: {text}" for key, text in value.items())
    if isinstance(value, Sequence) and all(isinstance(part, str) for part in value):
        return " ".join(value)
    raise ValueError
