"""Decide which names may be ordered: those that match the user's patterns, and no others."""

from collections.abc import Iterable


def ordered_names(wanted: Iterable[str], patterns: Iterable[str]) -> tuple[str, ...]:
    """Return the wanted names that match a pattern, without wildcards, which HTTP-01 cannot prove."""
    patterns = tuple(pattern.lower() for pattern in patterns)
    return tuple(
        sorted({name.lower() for name in wanted if "*" not in name and any(matches(name.lower(), p) for p in patterns)})
    )


def matches(name: str, pattern: str) -> bool:
    """Whether a name matches a pattern: the same name, or `*.` and its parent; the star stands for one label."""
    if not pattern.startswith("*."):
        return name == pattern
    label, dot, parent = name.partition(".")
    return bool(label and dot) and parent == pattern.removeprefix("*.")
