"""Read the registrator's Consul token."""

import os
from collections.abc import Mapping
from pathlib import Path

from rollcall.registrator.flags import UsageError

FILE, VARIABLE = "CONSUL_HTTP_TOKEN_FILE", "CONSUL_HTTP_TOKEN"


def token_from(environment: Mapping[str, str]) -> str:
    """Return the token, "" without one. The file wins over the variable, as for the consul command line.

    Raises UsageError if the file is unreadable or holds no token. Its content is never shown.
    """
    path = environment.get(FILE)
    if not path:
        return _checked(environment.get(VARIABLE, ""), VARIABLE, "expected only a token")
    form = f"expected a file that holds only a token and that user {os.getuid()} can read"
    try:
        text = Path(path).read_bytes().decode(errors="replace").strip()
    except OSError as error:
        raise UsageError(f"{FILE}: cannot read {path} ({error.strerror}); {form}") from None
    if not text:
        raise UsageError(f"{FILE}: {path} is empty; {form}")
    return _checked(text, f"{FILE}: {path}", form)


def _checked(text: str, source: str, form: str) -> str:
    """Refuse what a header cannot hold, before a library puts it into an error message."""
    if " " in text or not (text.isascii() and text.isprintable()):
        raise UsageError(f"{source} holds something other than a token; {form}")
    return text
