"""Define the files that the front and the ACME program beside it share on one volume."""

import json
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

# The volume's path in both containers.
FOLDER = Path("/var/lib/rollcall/acme")
# Written by the front: the names that it routes and has no file of the user's own for.
WANTED = "wanted.json"
# Written by the ACME program: ISSUED/NAME.pem, key and chain; CHALLENGES/NAME/TOKEN; and the state of each name.
ISSUED = "issued"
CHALLENGES = "challenges"
STATE = "state.json"
# Beside the ACME program's settings: the user's program that changes DNS, and a directory with its secrets.
HOOK = "dns-hook"
HOOK_SECRETS = "dns-secrets"
# The tokens that an authority makes (RFC 8555, 8.3), and so the only ones that nginx looks for.
TOKEN = re.compile(r"[A-Za-z0-9_-]{1,512}")


@dataclass(frozen=True)
class NameState:
    """What the ACME program knows of one name; times are ISO 8601, empty where there is none.

    `digest` is that of ISSUED/NAME.pem, empty without a certificate; `next_try` is the next order or renewal.
    """

    digest: str = ""
    issuer: str = ""
    begin: str = ""
    end: str = ""
    next_try: str = ""
    error: str = ""


def written_wanted(names: Iterable[str]) -> str:
    """Write the wanted names as JSON."""
    return json.dumps(sorted(names), indent=1) + "\n"


def read_wanted(text: str) -> tuple[str, ...]:
    """Read the wanted names.

    Raises:
        ValueError: it is not such a text.
    """
    names = json.loads(text)
    if not isinstance(names, list):
        raise ValueError(f"invalid {WANTED}: expected a list")
    return tuple(map(str, names))


def written_states(states: Mapping[str, NameState]) -> str:
    """Write the states as JSON."""
    return json.dumps({name: asdict(state) for name, state in sorted(states.items())}, indent=1) + "\n"


def read_states(text: str) -> dict[str, NameState]:
    """Read the states.

    Raises:
        ValueError: it is not such a text.
    """
    try:
        return {str(name): NameState(**state) for name, state in json.loads(text).items()}
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"invalid {STATE}: {error}") from None


def replace_file(path: Path, text: str, mode: int = 0o600) -> None:
    """Write a file in one step: whoever reads it gets the old text or the new one.

    Raises:
        OSError: it cannot be written.
    """
    following = path.with_name(f".{path.name}.new")
    with os.fdopen(os.open(following, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w") as file:
        file.write(text)
    following.replace(path)
