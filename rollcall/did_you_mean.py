"""What somebody who misspelled a name may have meant, for the end of an error sentence."""

import difflib
from collections.abc import Iterable

# More names than these would hide the sentence.
LISTED = 12


def suggestion(given: str, known: Iterable[str]) -> str:
    """Say "did you mean NAME?", or which names there are where none is near."""
    names = sorted(set(known))
    near = difflib.get_close_matches(given, names, n=1)
    if near:
        return f"did you mean {near[0]}?"
    if not names:
        return "there are none"
    more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(names[:LISTED])}{more}"


def typo_of(given: str, known: Iterable[str]) -> str:
    """Give the known name that somebody mistyped, or "": two slips at most, one in a short name.

    Stricter than `suggestion`: for names that are free to choose, where a merely similar one is no mistake.
    """
    plain = _plain(given)
    slips = {name: _slips(plain, _plain(name)) for name in known if name != given}
    near = [name for name, count in slips.items() if count <= (1 if len(name) < SHORT else 2)]
    return min(near, key=lambda name: slips[name], default="")


# With two slips, half of a name of four letters would be another.
SHORT = 6


def _plain(name: str) -> str:
    return name.lower().replace("_", "").replace("-", "")


def _slips(one: str, other: str) -> int:
    """Count the letters to insert, delete, replace or swap with a neighbour (optimal string alignment distance)."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for position, letter in enumerate(one, 1):
        before, last = row, before
        row = [position]
        for column, wanted in enumerate(other, 1):
            cost = min(before[column] + 1, row[-1] + 1, before[column - 1] + (letter != wanted))
            if position > 1 and column > 1 and letter == other[column - 2] and one[position - 2] == wanted:
                cost = min(cost, last[column - 2] + 1)
            row.append(cost)
    return row[-1]
