"""Host names of routes."""

import re

# RFC 1123 labels; the first may be a wildcard, which nginx matches without a regular expression.
_HOST = re.compile(r"(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
MAX_LENGTH = 253


def is_host(name: str) -> bool:
    """Whether a text is a host name in lower case, or a wildcard for every name below one."""
    return len(name) <= MAX_LENGTH and _HOST.fullmatch(name) is not None
