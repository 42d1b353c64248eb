"""The token that the registrator shows to Consul's agent, and where it comes from."""

import os
from collections.abc import Mapping
from pathlib import Path

from rollcall.registrator.flags import UsageError

FILE, VARIABLE = "CONSUL_HTTP_TOKEN_FILE", "CONSUL_HTTP_TOKEN"


def token_from(environment: Mapping[str, str]) -> str:
    """Give the token, empty without one. The file wins over the variable, as with the consul command line.

    Raises UsageError: the file cannot be read, or there is no token in it. What is in it is never shown.
    """
    path = environment.get(FILE)
    if not path:
        return _checked(environment.get(VARIABLE, ""), VARIABLE, "expected a token only")
    right = f"expected a file that holds a token only and that user {os.getuid()} may read"
    try:
        text = Path(path).read_bytes().decode(errors="replace").strip()
    except OSError as error:
        raise UsageError(f"{FILE} is {path}, which cannot be read ({error.strerror}); {right}") from None
    if not text:
        raise UsageError(f"{FILE} is {path}, which is empty; {right}")
    return _checked(text, path, right)


def _checked(text: str, source: str, right: str) -> str:
    """Refuse what cannot stand in a header, before the libraries put it into an error message."""
    if " " in text or not (text.isascii() and text.isprintable()):
        raise UsageError(f"{source} holds something else than a token; {right}")
    return text
