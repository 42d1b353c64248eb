"""Suggest the name that a user meant, as the hint at the end of an error."""

import difflib
from collections.abc import Iterable

# More names would hide the error itself.
LISTED = 12
# How much of two names is the same: two thirds, as "lba" of "lab" and "servers" of "consul_servers". With less, such as
# difflib's 0.6, "rotate" would be meant by "frobnicate".
NEAR = 0.66


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return "did you mean NAME?", or the list of known names if none is close."""
    names = sorted(set(known))
    if near := near_name(given, names):
        return f"did you mean {near}?"
    if not names:
        return "there are none"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names[:LISTED])}{more}"


def near_name(given: str, known: Iterable[str]) -> str:
    """Return the known name that is close to the given one, or "".

    Programs in containers, which do not have this module, ask difflib themselves.
    """
    return next(iter(difflib.get_close_matches(given, sorted(set(known)), n=1, cutoff=NEAR)), "")


def typo_of(given: str, known: Iterable[str]) -> str:
    """Return the known name that was mistyped, or "": at most two edits, one in a short name.

    Stricter than `suggestion`: for names that users choose freely, where a similar name may be intended.
    """
    plain = _plain(given)
    edits = {name: _edit_distance(plain, _plain(name)) for name in known if name != given}
    near = [name for name, count in edits.items() if count <= (1 if len(name) < SHORT else 2)]
    return min(near, key=lambda name: edits[name], default="")


# Two edits change half of a four-letter name.
SHORT = 6


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _edit_distance(left: str, right: str) -> int:
    """Count the letters to insert, delete, replace or swap with a neighbour (optimal string alignment distance)."""
    before: list[int] = []
    row = list(range(len(right) + 1))
    for position, letter in enumerate(left, 1):
        before, last = row, before
        row = [position]
        for column, wanted in enumerate(right, 1):
            cost = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != wanted))
            if position > 1 and column > 1 and letter == right[column - 2] and left[position - 2] == wanted:
                cost = min(cost, last[column - 2] + 1)
            row.append(cost)
    return row[-1]
