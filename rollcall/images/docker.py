"""The machine's own Docker Engine, by its command line."""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from rollcall import command
from rollcall.errors import RollcallError

# How the engine's versions say it: "No such container: x", "network x not found".
_MISSING = re.compile("no such|not found", re.IGNORECASE)


# Inspect documents by name.
Documents = Mapping[str, Mapping[str, Any]]


def docker(*arguments: str, doing: str, stdin: bytes = b"") -> str:
    """Run `docker` and return what it printed.

    Raises:
        RollcallError: it failed.
    """
    return command.run(["docker", *arguments], doing=doing, stdin=stdin).strip()


def inspect(kind: str, names: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Inspect objects of one kind (`container`, `image`, `network`, `volume`) by name; the missing are left out.

    Raises:
        RollcallError: the engine does not answer, or says anything else than that some are missing.
    """
    if not names:
        return {}
    # Where names are missing the exit code is 1, and the found ones are printed all the same.
    code, output, errors = command.attempt(["docker", kind, "inspect", *names])
    problems = [line for line in errors.splitlines() if line.strip() and not _MISSING.search(line)]
    if code != 0 and problems:
        raise RollcallError(f"Cannot look at {kind}s of this machine's engine: {problems[-1]}")
    found: list[dict[str, Any]] = json.loads(output or "[]")
    return _by_name(kind, names, found)


def _by_name(kind: str, names: Sequence[str], found: Iterable[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    result = {}
    for one in found:
        own = one.get("RepoTags") or [] if kind == "image" else [one["Name"].lstrip("/")]
        result.update({name: one for name in names if name in own})
    return result
