"""Render the status document as a page for people."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rollcall.contract.figures import duration, mean, percent
from rollcall.contract.status_document import Document

FOLDER = Path(__file__).parent
STYLE, SCRIPT = "status.css", "status.js"

# Anybody who starts a container chooses names and metadata: all of it is text.
_environment = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(document: Document) -> str:
    """Return the page. Its style and script are separate files, so that its policy can forbid all others."""
    return _environment.get_template("status.html.j2").render(front=document, style=STYLE, script=SCRIPT)


_environment.filters.update(duration=duration, percent=percent)
_environment.globals.update(mean=mean)
