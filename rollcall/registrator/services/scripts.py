"""A command line as a shell would split it; no shell runs it."""

import shlex

# What means something to a shell, and nothing to the program that gets it as an argument.
OPERATORS = frozenset("|&;<>`")


def split(text: str) -> tuple[list[str], bool]:
    """Split it, without comments; and tell whether it needs a shell, for a pipe and the like.

    Raises:
        ValueError: a quotation has no end.
    """
    kept, needs_shell = _scanned(text)
    return shlex.split(kept), needs_shell


def _scanned(text: str) -> tuple[str, bool]:
    """Take out comments, which begin at a word's beginning, and find operators that stand in no quotation."""
    kept: list[str] = []
    quote, needs_shell, place = "", False, 0
    while place < len(text):
        character = text[place]
        if character == "\\" and quote != "'":
            kept.append(text[place : place + 2])
            place += 2
            continue
        if character == "#" and not quote and (not kept or kept[-1][-1].isspace()):
            place = end if (end := text.find("\n", place)) >= 0 else len(text)
            continue
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        else:
            needs_shell |= character in OPERATORS
        kept.append(character)
        place += 1
    return "".join(kept), needs_shell
