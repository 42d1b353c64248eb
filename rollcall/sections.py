"""Read many things with one command: a script prints sections, each after a marker line."""

from collections.abc import Collection

MARKER = "@@rollcall"
_END = "end"
# The leading newline gives the marker its own line even after a text without a final newline.
_FUNCTION = f"section() {{ printf '\\n{MARKER} %s\\n' \"$1\"; }}"


def script(body: str) -> str:
    """Build a shell script from a body that calls `section TITLE` before each section."""
    return f"{_FUNCTION}\n{body}\nsection {_END}\n"


def split(output: str) -> tuple[str, list[tuple[str, str]]]:
    """Split an output at its marker lines: the text before the first, then each marker's title and text."""
    # Not splitlines(): it also splits at characters that other programs treat as text.
    first, *rest = f"\n{output}".split(f"\n{MARKER} ")
    parts = [part.partition("\n") for part in rest]
    return first.removeprefix("\n"), [(title.rstrip(), body) for title, _, body in parts]


def read(output: str, expected: Collection[str] = ()) -> dict[str, str]:
    """Return the text of each section by title, without what a login shell prints before the first.

    Raises:
        ValueError: the output is truncated or lacks an expected section.
    """
    found = dict(split(output)[1])
    if _END not in found:
        raise ValueError("the output is cut off")
    if missing := set(expected) - found.keys():
        raise ValueError(f"the output lacks {', '.join(sorted(missing))}")
    del found[_END]
    return found


def lines(text: str) -> list[str]:
    """Return the lines of a section that are not blank."""
    return [line for line in text.split("\n") if line.strip()]
