"""The status document as a page for people."""

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rollcall.front.document import Document

FOLDER = Path(__file__).parent
STYLE, SCRIPT = "status.css", "status.js"

# Names and metadata come from whoever starts a container: all of it is text.
_environment = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(document: Document) -> str:
    """Write the page. Its style and its script are files of their own beside it, so that it can forbid all others."""
    return _environment.get_template("status.html.j2").render(front=document, style=STYLE, script=SCRIPT)


def duration(since: str | None, now: str) -> str:
    """Say how long something has been so, in its one or two largest units: "4 min 3 s", "2 d 5 h"."""
    if since is None:
        return "–"
    seconds = max(0, int((datetime.fromisoformat(now) - datetime.fromisoformat(since)).total_seconds()))
    parts = [(seconds // 86400, "d"), (seconds // 3600 % 24, "h"), (seconds // 60 % 60, "min"), (seconds % 60, "s")]
    first = next((at for at, (count, _) in enumerate(parts) if count), len(parts) - 1)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count or first == len(parts) - 1)


def percent(part: float | None) -> str:
    """Write a share of 0 to 1: "16.7 %"."""
    return "–" if part is None else f"{part * 100:.1f}".removesuffix(".0") + " %"


def milliseconds(instance: Document) -> str:
    """Give the mean of an instance's tries."""
    return f"{instance['seconds'] / instance['requests'] * 1000:.1f} ms" if instance["requests"] else "–"


_environment.filters.update(duration=duration, percent=percent, milliseconds=milliseconds)
