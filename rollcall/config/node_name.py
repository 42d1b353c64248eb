"""A host's name in Consul: one rule from its name in the inventory.

It depends on that name alone: a host that is added renames no other.
"""

import re
import unicodedata
from ipaddress import IPv6Address

LOCAL, SSH = "@local", "@ssh/"
LONGEST = 63
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")


def of(name: str, local_hostname: str) -> str:
    """Make a node name: lower case with dashes for dots; `@local` is called as the machine is."""
    if name == LOCAL:
        return local_hostname.partition(".")[0].lower()
    plain = name.removeprefix(SSH)
    try:
        return IPv6Address(plain).exploded.replace(":", "-")
    except ValueError:
        return plain.lower().replace(".", "-")


def problem(node: str, name: str) -> str:
    """Say why a node name cannot be used, and what to write instead; nothing where it can."""
    if _LABEL.fullmatch(node) and len(node) <= LONGEST:
        return ""
    user, at, rest = name.partition("@")
    if at and user:
        hint = f'name the user apart, as in ("{rest}", {{"ssh_user": "{user}"}})'
    else:
        hint = f'set it, as in ("{name}", {{"node": "{_suggested(node)}"}})'
    return f"got {node!r}; expected a DNS label (letters, digits and dashes, at most {LONGEST}); {hint}"


def _suggested(node: str) -> str:
    letters = unicodedata.normalize("NFKD", node).encode("ascii", "ignore").decode()
    return re.sub(r"[^a-z0-9]+", "-", letters.lower()).strip("-")[:LONGEST].rstrip("-") or "host1"
