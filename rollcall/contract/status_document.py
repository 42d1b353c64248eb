"""Define the front's status document, which the page, the metrics, and `rollcall status` read."""

from collections.abc import Mapping
from typing import Any

# The document's version: a reader of another version fails instead of misreading it.
VERSION = 1
# Consul's own service is in every catalog but on no site.
CONSUL = "consul"

Document = Mapping[str, Any]


def container_of(identity: str) -> str | None:
    """Return the container's name from a registrator's id, HOST:CONTAINER:PORT or HOST:CONTAINER:PORT:udp."""
    parts = identity.split(":")
    return parts[1] if len(parts) >= 3 and parts[2].isdigit() else None
