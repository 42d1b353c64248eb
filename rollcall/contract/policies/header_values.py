"""Which headers a policy may set, and to which values: plain ones, without a character with a meaning to nginx."""

import re

# Printable ASCII without quotes, backslash, dollar, braces, backtick, and the bar that separates headers.
_VALUE = re.compile(r"[A-Za-z0-9 !#%&'()*+,./:;<=>?@\[\]^_~-]{0,400}", re.ASCII)
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,63}", re.ASCII)
_URL = re.compile(r"(https://[a-z0-9.-]+(:[0-9]{1,5})?)?/[A-Za-z0-9._~@:+=,/-]*", re.ASCII)
MAX_HEADERS = 16

# Responses: what browsers and caches act on. All X-… but those that the front or nginx itself uses.
RESPONSE = {
    name.lower(): name
    for name in (
        "Cache-Control",
        "Content-Security-Policy",
        "Content-Security-Policy-Report-Only",
        "Cross-Origin-Embedder-Policy",
        "Cross-Origin-Opener-Policy",
        "Cross-Origin-Resource-Policy",
        "Permissions-Policy",
        "Referrer-Policy",
        "Reporting-Endpoints",
        "Server-Timing",
        "Strict-Transport-Security",
        "Timing-Allow-Origin",
    )
}
# Requests: none that says who or what the client is, or how long a body is.
REQUEST = {name.lower(): name for name in ("Accept-Language", "Cache-Control", "Origin", "Referer", "User-Agent")}
# The services that ask others who a visitor is agree on these, beside X-….
PASSED = {
    name.lower(): name for name in ("Authorization", "Remote-Email", "Remote-Groups", "Remote-Name", "Remote-User")
}
_OURS = re.compile(r"x-(forwarded-.*|real-ip|request-id|accel-.*|original-.*)")


def header_name(text: str, known: dict[str, str]) -> str:
    """Return the name of a header that may be set: a known one, or one of the user's own, X-….

    Raises:
        ValueError: it is another.
    """
    lower = text.lower()
    if lower in known:
        return known[lower]
    if not _NAME.fullmatch(text) or not lower.startswith("x-") or _OURS.fullmatch(lower) or lower.endswith("-"):
        raise ValueError
    return text


def passed_header(text: str) -> str:
    """Return the name of a header that another service sets."""
    return header_name(text, PASSED)


def pairs(text: str, known: dict[str, str]) -> list[tuple[str, str]]:
    """Split "Name: value | Name: value"; an empty value removes the header.

    Raises:
        ValueError: a name or a value may not be set, or a name comes twice.
    """
    found: dict[str, tuple[str, str]] = {}
    for part in text.split("|"):
        name, colon, value = part.partition(":")
        value = value.strip()
        name = header_name(name.strip(), known)
        if not colon or not _VALUE.fullmatch(value) or name.lower() in found:
            raise ValueError
        found[name.lower()] = (name, value)
    if len(found) > MAX_HEADERS:
        raise ValueError
    return list(found.values())


def joined(found: list[tuple[str, str]]) -> str:
    """Write headers in canonical form."""
    return " | ".join(f"{name}: {value}" for name, value in found)


def url_or_path(text: str) -> str:
    """Return an HTTPS URL or a path, without a query.

    Raises:
        ValueError: it is another.
    """
    if not _URL.fullmatch(text) or len(text) > 255:
        raise ValueError
    return text
