"""The status document as a page for people."""

from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rollcall.contract.figures import duration, mean, percent
from rollcall.contract.status_document import Document

FOLDER = Path(__file__).parent
STYLE, SCRIPT = "status.css", "status.js"

# Names and metadata come from whoever starts a container: all of it is text.
_environment = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(document: Document) -> str:
    """Write the page. Its style and its script are files of their own beside it, so that it can forbid all others."""
    return _environment.get_template("status.html.j2").render(front=document, style=STYLE, script=SCRIPT)


_environment.filters.update(duration=duration, percent=percent)
_environment.globals.update(mean=mean)
