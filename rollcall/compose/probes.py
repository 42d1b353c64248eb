"""Import a service's health check: one that requests an own port becomes Consul's, others cannot."""

import re
from typing import Any

from rollcall.compose.document import Where
from rollcall.compose.draft import Draft
from rollcall.compose.entries import handle, single, whole
from rollcall.compose.reasons import UNKNOWN
from rollcall.compose.values import UnmappedError, duration, items, text

_URL = re.compile(
    r"(?P<scheme>https?)://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\])(?::(?P<port>\d+))?(?P<path>/[^\s'\"|;&]*)?"
)
_CLIENTS = re.compile(r"\b(curl|wget)\b")
_STANDARD_PORTS = {"http": 80, "https": 443}
_TIMES = {"interval": "interval", "timeout": "timeout", "start_period": "grace"}
_REASONS = {
    "retries": "one failed check takes a container out, one that passes puts it back",
    "start_interval": "interval is the time between any two checks",
}
# Another program decides by what the response says.
_PIPE = re.compile(r"(?<!\|)\|(?!\|)")


def healthcheck(draft: Draft, where: Where, value: Any) -> None:
    """Import `healthcheck`."""
    if not isinstance(value, dict):
        raise UnmappedError(f"got {value!r}; expected a mapping with a test")
    test = value.get("test")
    command = items(whole(test)) if test is not None else []
    if value.get("disable") is True or command[:1] == ["NONE"]:
        draft.add(where, ("health", "check"), "none")
        return
    handle(draft, (*where, "test") if test is not None else where, command, _test)
    requests = draft.declaration.get("health", {}).get("check", "none") != "none"
    for key in value:
        place = (*where, key)
        if key in _TIMES and requests:
            handle(draft, place, value[key], single(("health", _TIMES[key]), duration))
        elif key not in ("test", "disable"):
            reason = _REASONS.get(key, UNKNOWN) if requests else "the test itself was not imported"
            draft.notes.add(place, f"not imported: {reason}")


def _test(draft: Draft, where: Where, command: list[Any]) -> None:
    if not command:
        # Compose changes the times of the image's own HEALTHCHECK; a declaration cannot.
        draft.add(where, ("health",), {"check": "image"})
        return
    shown = " ".join(text(word) for word in command)
    urls = list(_URL.finditer(shown))
    if not draft.declaration.get("ports"):
        raise UnmappedError("Consul checks ports, and this service has none; it runs as long as its program does")
    if len(urls) != 1 or _PIPE.search(shown) or not _CLIENTS.search(shown):
        raise UnmappedError(
            "Consul runs no commands in containers; name a path to request in health, or build the test into the image "
            'as its HEALTHCHECK and set the check "image"'
        )
    (url,) = urls
    scheme = url["scheme"]
    check = {"check": scheme, "path": url["path"] or "/", "port": int(url["port"] or _STANDARD_PORTS[scheme])}
    draft.add(where, ("health",), check)


def without_healthcheck(draft: Draft, where: Where) -> None:
    """Declare that there is no check where Compose has none, instead of the default, which requests "/"."""
    if draft.declaration.get("ports") and "health" not in draft.declaration:
        draft.add(where, ("health", "check"), "none")
        draft.notes.add(where, 'its health is "none": name a path, so that only a container that serves gets requests')
