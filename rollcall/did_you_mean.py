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
