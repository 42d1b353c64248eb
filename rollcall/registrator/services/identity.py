"""Validate ids, names and tags for Consul, and encode them in paths. The command line shares this module."""

import re
from urllib.parse import quote

from rollcall.contract import service_protocol

# The Meta key with the host whose registrator wrote a service.
MARK_HOST = service_protocol.MARK_HOST
# The Meta key with its container's short id.
MARK_CONTAINER = service_protocol.MARK_CONTAINER
# An id is part of request paths and of its checks' ids.
MAX_ID_LENGTH = 512
# The id of Consul's own servers in the catalog: deregistering it would remove a server.
RESERVED = "consul"
PRINTABLE = re.compile(r"[ -~]*")
DNS_LABEL = re.compile(r"(?=.{1,63}\Z)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?")
# Path segments that are not names.
STEPS = ("", ".", "..")
# The only capital that Go and Python lower differently.
DOTTED_I = "\u0130"


def path_segment(text: str) -> str:
    """Encode a text as one segment of a URL's path, including slashes, dots and percent signs."""
    return quote(text, safe="", errors="replace").replace(".", "%2E")


def folded(text: str) -> str:
    """Fold an id as Consul's catalog does: ids that differ only in case are one in the catalog, two in the agent."""
    if text.isascii():
        return text.lower()
    return "".join("i" if letter == DOTTED_I else letter.lower() for letter in text)


def id_fault(text: str) -> str:
    """Return why no service may have this id, "" for a valid one: the agent must be able to address it."""
    if fault := path_fault(text):
        return fault
    if len(text) > MAX_ID_LENGTH:
        return f"expected at most {MAX_ID_LENGTH} characters, got {len(text)}"
    if not PRINTABLE.fullmatch(text):
        return "expected printable ASCII characters"
    if folded(text) == RESERVED:
        return "Consul's own servers have this id"
    return ""


def path_fault(text: str) -> str:
    """Return why a request's path cannot hold a text, "" for a valid one."""
    if any(segment in STEPS for segment in text.split("/")):
        return "a URL's path cannot hold an empty segment, '.' or '..'"
    return "" if addressable(text) else "expected printable characters: Consul's HTTP API rejects others"


def addressable(text: str) -> bool:
    """Whether Consul's HTTP API accepts this text encoded in a path; it rejects unprintable characters."""
    return text != "" and text.isprintable()


def dns_fault(label: str) -> str:
    """Return why DNS cannot carry a service's name or tag, "" if it can."""
    if DNS_LABEL.fullmatch(label):
        return ""
    return "DNS allows letters, digits and hyphens between them, at most 63"
