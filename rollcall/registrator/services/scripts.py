"""Split a command line as a shell would; no shell runs it."""

import shlex

# Operators of a shell, which a program would get as arguments.
OPERATORS = frozenset("|&;<>`")


def split(text: str) -> tuple[list[str], bool]:
    """Return the arguments without comments, and whether the command needs a shell, such as for a pipe.

    Raises:
        ValueError: a quote has no end.
    """
    kept, needs_shell = _scanned(text)
    return shlex.split(kept), needs_shell


def _scanned(text: str) -> tuple[str, bool]:
    """Remove comments, which start at a word's start, and find operators outside quotes."""
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
