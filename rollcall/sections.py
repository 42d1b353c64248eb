"""Many things read by one command: a script prints them in sections, each begun by a marker line."""

from collections.abc import Collection

MARKER = "@@rollcall"
_END = "end"
# The line end in front makes the marker a line of its own, also after a text that lacks its last line end.
_FUNCTION = f"section() {{ printf '\\n{MARKER} %s\\n' \"$1\"; }}"


def script(body: str) -> str:
    """Make a shell script of a body that calls `section TITLE` before what belongs to it."""
    return f"{_FUNCTION}\n{body}\nsection {_END}\n"


def split(output: str) -> tuple[str, list[tuple[str, str]]]:
    """Divide an output at its marker lines: what comes before the first, then each marker's title and what follows."""
    # Not splitlines(): that would also divide at characters that are text to everybody else.
    first, *rest = f"\n{output}".split(f"\n{MARKER} ")
    parts = [part.partition("\n") for part in rest]
    return first.removeprefix("\n"), [(title.rstrip(), body) for title, _, body in parts]


def read(output: str, expected: Collection[str] = ()) -> dict[str, str]:
    """Give the text of each section by its title; what a login shell prints before the first is no part of any.

    Raises:
        ValueError: the output was cut off, or lacks an expected section.
    """
    found = dict(split(output)[1])
    if _END not in found:
        raise ValueError("its answer is cut off")
    if missing := set(expected) - found.keys():
        raise ValueError(f"its answer lacks {', '.join(sorted(missing))}")
    del found[_END]
    return found


def lines(text: str) -> list[str]:
    """Give the lines of a section that are not empty."""
    return [line for line in text.split("\n") if line.strip()]
