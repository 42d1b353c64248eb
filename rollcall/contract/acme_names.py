"""Decide which names may be ordered: those that match the user's patterns, and no others."""

from collections.abc import Iterable


def ordered_names(wanted: Iterable[str], patterns: Iterable[str], *, wildcards: bool) -> tuple[str, ...]:
    """Return the wanted names that match a pattern; wildcards only if DNS proves them, since HTTP-01 cannot."""
    patterns = tuple(patterns)
    names = {name.lower() for name in wanted if may_order(name, patterns)}
    return tuple(sorted(name for name in names if wildcards or "*" not in name))


def may_order(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name matches a pattern: the same name, or `*.` and its parent; the star stands for one label."""
    name = name.lower()
    label, dot, parent = name.partition(".")
    return any(
        name == pattern or (bool(label and dot) and pattern == f"*.{parent}") for pattern in map(str.lower, patterns)
    )
