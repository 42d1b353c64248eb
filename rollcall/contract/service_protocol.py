"""The marks of a service's registrator, and whether the service uses UDP."""

from collections.abc import Collection, Mapping

# The Meta key that marks a UDP service of Rollcall's registrator, and the one that all of its services have.
MARK_PROTOCOL, MARK_HOST = "registrator-protocol", "registrator-host"
# The one with its container's short id, which a renamed container keeps.
MARK_CONTAINER = "registrator-container"
UDP = "udp"


def is_udp(identity: str, tags: Collection[str], meta: Mapping[str, str]) -> bool:
    """Return whether the mark is set; other registrators, and ours before 0.2, only tag, as TCP services may, too."""
    if meta.get(MARK_PROTOCOL) == UDP:
        return True
    return UDP in tags and (MARK_HOST not in meta or identity.endswith(f":{UDP}"))
