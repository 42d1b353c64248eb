"""Copy a container's metadata into its service's Meta, except for what Consul cannot hold and for secrets."""

import itertools
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rollcall.contract import route_metadata
from rollcall.contract.policies import table
from rollcall.registrator.services.metadata import Metadata

# Consul's limits on a service's Meta: agent/structs, ValidateServiceMetadata.
KEY = re.compile(r"[A-Za-z0-9_-]{1,128}")
RESERVED = "consul-"
VALUE_BYTES = 512
PAIRS = 64
# Room for the registrator's own marks (see reconcile.py), and their prefix.
MARKS, MARK = 4, "registrator-"
NOT_META = frozenset({"id", "name", "tags"})
# The front's keys come first if there are too many.
PRIORITY_KEYS = frozenset({*route_metadata.KEYS, "weight"})

# A key with one of these words, between underscores, dashes and dots, is a secret's.
SECRET_WORDS = frozenset(
    [
        "password",
        "passwd",
        "passphrase",
        "pass",
        "pwd",
        "secret",
        "secrets",
        "token",
        "tokens",
        "credential",
        "credentials",
        "creds",
        "apikey",
        "privatekey",
        "accesskey",
        "secretkey",
    ]
)
# With "key" behind it, these name a secret; cache_key and PUBLIC_KEY do not.
SECRET_KEYS = frozenset(
    [
        "access",
        "api",
        "auth",
        "client",
        "encryption",
        "master",
        "private",
        "secret",
        "service",
        "session",
        "signing",
        "ssh",
    ]
)
# Google's files with a private key: GOOGLE_ACCOUNT_JSON, SERVICE_ACCOUNT_JSON (with SERVICE_ as the prefix).
SECRET_FILES = frozenset({("account", "json"), ("service", "account"), ("account", "key")})
PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY")


@dataclass(frozen=True)
class Meta:
    """The pairs, and a sentence for each omitted one. No sentence shows a value: it may be a secret."""

    pairs: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


def meta_of(metadata: Metadata) -> Meta:
    """Copy every key except id, name and tags. What Consul cannot hold is omitted, and never costs the service."""
    pairs: dict[str, str] = {}
    notes: list[str] = []
    for key, entry in sorted(metadata.entries.items(), key=_order):
        if key in NOT_META:
            continue
        parts, reason = _parts(key, entry.value)
        if reason and key in table.ACCESS:
            # Without its key the front would let everybody in.
            parts = {key: table.UNREADABLE}
        if reason:
            notes.append(f"{_shown(entry.spelled)} is not copied into Consul's Meta: {reason}")
        pairs |= parts
    included = dict(list(pairs.items())[: PAIRS - MARKS])
    if left := [key for key in pairs if key not in included]:
        names = _listed(metadata.spelled(key) for key in left)
        notes.append(
            f"{names} not copied into Consul's Meta: it holds {PAIRS} pairs, {MARKS} of them the registrator's"
        )
    return Meta(included, tuple(notes))


def _order(pair: tuple[str, object]) -> tuple[bool, bool, str]:
    """Put first what decides who gets in, then the front's other keys: if there are too many, the last are omitted."""
    return pair[0] not in table.ACCESS, pair[0] not in PRIORITY_KEYS, pair[0]


def _parts(key: str, value: str) -> tuple[dict[str, str], str]:
    """Return the pairs of an entry, and why it, or a part of it, is omitted."""
    if not KEY.fullmatch(key):
        return {}, "Consul allows 1 to 128 letters, digits, - and _ in a key"
    if key.startswith((RESERVED, MARK)):
        return {}, f"keys that start with {RESERVED if key.startswith(RESERVED) else MARK} are reserved"
    if looks_secret(key) or PRIVATE_KEY.search(value):
        return {}, "it looks like a secret, and everybody can read Meta"
    if key == route_metadata.HOSTS:
        parts, lost = route_metadata.divided(value, VALUE_BYTES)
        return parts, f"{lost} of its host names do not fit" if lost else ""
    size = len(value.encode(errors="replace"))
    return ({}, f"{size} bytes, and Consul holds {VALUE_BYTES}") if size > VALUE_BYTES else ({key: value}, "")


def looks_secret(key: str) -> bool:
    """Whether a key looks like a secret's."""
    words = re.split(r"[_.-]+", key.lower())
    pairs = set(itertools.pairwise(words))
    if SECRET_WORDS.intersection(words) or SECRET_FILES & pairs:
        return True
    # SERVICE_KEY is a service's key.
    return words == ["key"] or any(first in SECRET_KEYS and second in ("key", "keys") for first, second in pairs)


def _shown(spelled: str) -> str:
    text = spelled if len(spelled) <= KEY_SHOWN else f"{spelled[:KEY_SHOWN]}…"
    return text if text.isprintable() else repr(text)


KEY_SHOWN, LISTED = 80, 3


def _listed(names: Iterable[str]) -> str:
    shown = [_shown(name) for name in names]
    more = f" and {len(shown) - LISTED} more are" if len(shown) > LISTED else " is" if len(shown) == 1 else " are"
    return f"{', '.join(shown[:LISTED])}{more}"
