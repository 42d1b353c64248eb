"""Which ids, names and tags Consul can carry, and how they are sent to it. Pure: Rollcall's command line shares it."""

import re
from urllib.parse import quote

from rollcall.contract import service_protocol

# The Meta key that names the host whose registrator wrote a service.
MARK_HOST = service_protocol.MARK_HOST
# And the container that it is of, by its short id.
MARK_CONTAINER = "registrator-container"
# An id stands in a request's path and, behind a prefix, in the ids of its checks.
LONGEST_ID = 512
# Consul's servers are services of this id in the catalog: deregistering it takes the server's own entry out.
RESERVED = "consul"
PRINTABLE = re.compile(r"[ -~]*")
DNS_LABEL = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
# What a URL's path takes for a step instead of a name.
STEPS = ("", ".", "..")
# The only capital whose small letter Go and Python tell differently.
DOTTED_I = "\u0130"


def path_segment(text: str) -> str:
    """Encode a text as one segment of a URL's path: no slash, dot or percent sign in it means anything there."""
    return quote(text, safe="", errors="replace").replace(".", "%2E")


def folded(text: str) -> str:
    """Fold an id as Consul's catalog does: ids that differ only in case are one entry there, and two in the agent."""
    if text.isascii():
        return text.lower()
    return "".join("i" if letter == DOTTED_I else letter.lower() for letter in text)


def id_fault(text: str) -> str:
    """Tell why no service may have this id, empty for nothing: its own agent must be able to address it."""
    if fault := path_fault(text):
        return fault
    if len(text) > LONGEST_ID:
        return f"expected at most {LONGEST_ID} characters, got {len(text)}"
    if not PRINTABLE.fullmatch(text):
        return "expected printable ASCII characters"
    if folded(text) == RESERVED:
        return "Consul's own servers have this id"
    return ""


def path_fault(text: str) -> str:
    """Tell why a text cannot be named in a request's path, empty for nothing."""
    if any(segment in STEPS for segment in text.split("/")):
        return "a URL's path walks at an empty segment, '.' and '..'"
    return "" if addressable(text) else "expected printable characters: Consul's HTTP API rejects others"


def addressable(text: str) -> bool:
    """Whether Consul's HTTP API takes this text in a path, encoded; it refuses what is not printable."""
    return text != "" and text.isprintable()


def dns_fault(label: str) -> str:
    """Tell why DNS cannot carry a service's name or tag, empty for nothing."""
    if DNS_LABEL.fullmatch(label):
        return ""
    return "DNS carries letters, digits and hyphens between them, at most 63"
