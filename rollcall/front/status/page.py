"""Render the status document as a page for people."""

from datetime import datetime
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from rollcall.contract.figures import duration, mean, percent
from rollcall.contract.status_document import Document

FOLDER = Path(__file__).parent / "assets"
# The page's own style and scripts, by name, with their types.
ASSETS = {
    file.name: (file.read_bytes(), {".css": "text/css", ".js": "text/javascript"}[file.suffix] + "; charset=utf-8")
    for file in sorted(FOLDER.iterdir())
    if file.suffix in (".css", ".js")
}
# Changes that are shown without unfolding.
RECENT = 6

# Anybody who starts a container chooses names and metadata: all of it is text.
_environment = Environment(
    loader=FileSystemLoader(FOLDER), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
)


def page(document: Document) -> str:
    """Return the page. Its style and scripts are separate files, so that its policy can forbid all others."""
    services = document["services"]
    return _environment.get_template("status.html.j2").render(
        front=document,
        worries=[problem for problem in document["problems"] if problem["severity"] != "notice"],
        routed=[service for service in services if service["upstreams"]],
        unrouted=[service for service in services if not service["upstreams"]],
        servers={server["node"]: server for server in document["servers"]},
        leader=next((server["node"] for server in document["servers"] if server["leader"]), ""),
        failing=[certificate for certificate in document["certificates"] if certificate["error"]],
        trusted=[certificate for certificate in document["certificates"] if not certificate["error"]],
        lost=sum(not host["alive"] for host in document["hosts"]),
        recent=RECENT,
    )


def _absolute(moment: str) -> str:
    """Format a moment of the document: "2026-11-26 03:00:00 UTC"."""
    return f"{datetime.fromisoformat(moment):%Y-%m-%d %H:%M:%S} UTC"


def _day(moment: str) -> str:
    """Format the day of a moment of the document: "2026-11-26"."""
    return f"{datetime.fromisoformat(moment):%Y-%m-%d}"


_environment.filters.update(day=_day, duration=duration, percent=percent, absolute=_absolute)
_environment.globals.update(mean=mean)
