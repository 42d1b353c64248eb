"""The form of the front's status document, which the page, the metrics, and `rollcall status` read."""

from collections.abc import Mapping
from typing import Any

# Of the document's form: a reader that knows another one says so instead of misreading.
VERSION = 1
# Consul's own service is in every catalog, and no site's.
CONSUL = "consul"

Document = Mapping[str, Any]


def container_of(identity: str) -> str | None:
    """Take the container's name out of a registrator's id, HOST:CONTAINER:PORT or HOST:CONTAINER:PORT:udp."""
    parts = identity.split(":")
    return parts[1] if len(parts) >= 3 and parts[2].isdigit() else None
