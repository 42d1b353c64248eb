"""Whether a service in the catalog takes UDP, as what registered it says so."""

from collections.abc import Collection, Mapping

# The Meta key by which Rollcall's registrator tells a UDP service, and the one that all of its services have.
MARK_PROTOCOL, MARK_HOST = "registrator-protocol", "registrator-host"
UDP = "udp"


def is_udp(identity: str, tags: Collection[str], meta: Mapping[str, str]) -> bool:
    """Tell it by the mark; other registrators, and ours before 0.2, only have the tag, which a TCP service may, too."""
    if meta.get(MARK_PROTOCOL) == UDP:
        return True
    return UDP in tags and (MARK_HOST not in meta or identity.endswith(f":{UDP}"))
