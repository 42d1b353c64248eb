"""Use this machine's own Docker Engine through its command line."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rollcall import command
from rollcall.errors import RollcallError

# The wording differs between engine versions: "No such container: x", "network x not found".
_MISSING = re.compile("no such|not found", re.IGNORECASE)


# Inspect documents by name.
Documents = Mapping[str, Mapping[str, Any]]


def docker(*arguments: str, doing: str, stdin: bytes = b"") -> str:
    """Run `docker` and return its output.

    Raises:
        RollcallError: it failed.
    """
    return command.run(["docker", *arguments], doing=doing, stdin=stdin).strip()


def inspect(kind: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Inspect objects of one kind (`container`, `image`, `network`, `volume`) by name; omit missing ones.

    Raises:
        RollcallError: the engine does not respond, or fails for any reason other than missing objects.
    """
    if not names:
        return {}
    # If names are missing, docker exits with 1 but still prints the others.
    code, output, errors = command.attempt(["docker", kind, "inspect", *names])
    problems = [line for line in errors.splitlines() if line.strip() and not _MISSING.search(line)]
    if code != 0 and problems:
        raise RollcallError(f"Cannot inspect {kind}s of this machine's engine: {problems[-1]}")
    found: list[dict[str, Any]] = json.loads(output or "[]")
    return _by_name(kind, names, found)


def _by_name(kind: str, names: Sequence[str], found: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    result = {}
    for document in found:
        own = document.get("RepoTags") or [] if kind == "image" else [document["Name"].lstrip("/")]
        result.update({name: document for name in names if name in own})
    return result
