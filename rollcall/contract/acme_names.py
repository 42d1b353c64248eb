"""Decide which names may be ordered: those that match the user's patterns, and no others."""

from collections.abc import Iterable


def ordered_names(wanted: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted names that match a pattern, without wildcards, which HTTP-01 cannot prove."""
    patterns = tuple(patterns)
    return tuple(sorted({name.lower() for name in wanted if "*" not in name and may_order(name, patterns)}))


def may_order(name: str, patterns: Iterable[str]) -> bool:
    """Whether a name matches a pattern: the same name, or `*.` and its parent; the star stands for one label."""
    name = name.lower()
    label, dot, parent = name.partition(".")
    return any(
        name == pattern or (bool(label and dot) and pattern == f"*.{parent}") for pattern in map(str.lower, patterns)
    )
