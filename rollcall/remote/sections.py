"""Many things read by one command: what it prints is divided into sections, each begun by a marker line."""

import shlex
from collections.abc import Collection

MARKER = "@@rollcall"
_END = "end"


def begin(title: str) -> str:
    """Give the shell command that begins a section.

    The line end in front makes it a line of its own, also after a text that lacks its last line end.
    """
    return f"printf '\\n%s\\n' {shlex.quote(f'{MARKER} {title}')}"


END = begin(_END)
"""The shell command that comes last: without it the output was cut off."""


def pieces(output: str) -> tuple[str, list[tuple[str, str]]]:
    """Divide an output at its marker lines: what comes before the first, then each marker's title and what follows."""
    # Not splitlines(): that would also divide at characters that are text to everybody else.
    first, *rest = f"\n{output}".split(f"\n{MARKER} ")
    parts = [part.partition("\n") for part in rest]
    return first.removeprefix("\n"), [(title.rstrip("\r"), body) for title, _, body in parts]


def read(output: str, expected: Collection[str] = ()) -> dict[str, str]:
    """Give the text of each section by its title; what a login shell prints before the first is no part of any.

    Raises:
        ValueError: the output was cut off, or lacks an expected section.
    """
    found = dict(pieces(output)[1])
    if _END not in found:
        raise ValueError("the host's answer is cut off")
    if missing := set(expected) - found.keys():
        raise ValueError(f"the host's answer lacks {', '.join(sorted(missing))}")
    return found


def lines(text: str) -> list[str]:
    """Give the lines of a section that are not empty."""
    return [line for line in text.split("\n") if line.strip()]
