"""Keep what was released of each service in Consul's KV, so that an earlier version can run again. No I/O.

A record holds declarations, which name secrets and never hold their values, and digests of files, not their texts.
"""

import base64
import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from rollcall.config.image_version import version
from rollcall.consul.agent_client import Request
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError

PREFIX = "rollcall/releases/"
KEPT = 20
DIGEST_LENGTH = 7

Kind = Literal["deploy", "rollback", "restart"]


@dataclass(frozen=True)
class Placed:
    """What a host ran of a version: the position of its declaration, and the digest of the files it mounted."""

    declaration: int
    files: str = ""


@dataclass(frozen=True)
class Record:
    """One release of a service.

    `done` of `total` containers are as declared; `failure` is why it ended before all were. `hosts` are those that
    declare the service, `declarations` the distinct ones among them, as a user writes them.
    """

    service: str
    image: str
    kind: Kind
    who: str
    started: str
    declarations: tuple[Mapping[str, Any], ...]
    hosts: Mapping[str, Placed]
    total: int
    done: int = 0
    ended: str = ""
    failure: str = ""

    @property
    def digest(self) -> str:
        """The short digest of everything declared, which names the version."""
        content = [sorted(json.dumps(one, sort_keys=True) for one in self.declarations)]
        content.append(sorted({placed.files for placed in self.hosts.values()}))
        return hashlib.sha256(json.dumps(content).encode()).hexdigest()[:DIGEST_LENGTH]

    @property
    def complete(self) -> bool:
        """Whether all containers got as declared, and what comes after succeeded."""
        return self.done == self.total and not self.failure

    @property
    def result(self) -> str:
        """How it ended, for the user."""
        if self.complete:
            return "done"
        return f"{'failed' if self.failure else 'interrupted'} after {self.done} of {self.total} containers"

    def with_progress(self, now: str, *, failure: str = "") -> "Record":
        """Return the record after another container was replaced, or could not be."""
        if failure:
            return replace(self, failure=self.failure or failure, ended=now)
        return replace(self, done=self.done + 1, ended=now)


def record(text: str) -> Record:
    """Parse a record. Raises ValueError, TypeError or KeyError: it is malformed."""
    document = json.loads(text)
    document["hosts"] = {name: Placed(**placed) for name, placed in document["hosts"].items()}
    document["declarations"] = tuple(document["declarations"])
    return Record(**document)


def path(service: str) -> str:
    """Return the path below which a service's records are; a service's name needs no quoting."""
    return f"/v1/kv/{PREFIX}{service}/"


def put(one: Record) -> Request:
    """Write a record, or write it again with its progress."""
    return Request("PUT", f"{path(one.service)}{_key(one)}", json.dumps(asdict(one)))


def _key(one: Record) -> str:
    return one.started.replace(" ", "T")


def outdated(service: str, keys: str) -> list[Request]:
    """Return the removals of the oldest records, so that there is room for a new one.

    Args:
        service: the service.
        keys: the response to its path with `?keys`; anything else than JSON if there are none.
    """
    try:
        found = sorted(str(key) for key in json.loads(keys))
    except (ValueError, TypeError):
        return []
    return [Request("DELETE", f"/v1/kv/{key}") for key in found[: max(0, len(found) - KEPT + 1)]]


def records(entries: Iterable[Mapping[str, Any]] | None) -> list[Record]:
    """Read Consul's entries, the newest first; what is malformed is no record."""
    found = []
    for entry in entries or ():
        try:
            found.append(record(base64.b64decode(entry["Value"] or "").decode()))
        except (ValueError, TypeError, KeyError, AttributeError):
            continue
    return sorted(found, key=lambda one: one.started, reverse=True)


@dataclass(frozen=True)
class Declared:
    """The declarations of one host's service, gathered for a record."""

    host: str
    declaration: Mapping[str, Any]
    files: str = field(default="")


def gathered(found: Iterable[Declared]) -> tuple[tuple[Mapping[str, Any], ...], dict[str, Placed]]:
    """Return the distinct declarations, and each host's."""
    declarations: list[Mapping[str, Any]] = []
    hosts = {}
    for one in found:
        if one.declaration not in declarations:
            declarations.append(one.declaration)
        hosts[one.host] = Placed(declarations.index(one.declaration), one.files)
    return tuple(declarations), hosts


def to_restart(found: Sequence[Record], service: str, source: str) -> Record | None:
    """Return the release whose version runs; None if none is recorded, so that it is the declared one.

    Raises:
        RollcallError: the last release changed some of the containers only.
    """
    changing = [one for one in found if one.complete or one.done]
    if changing and not changing[0].complete:
        raise RollcallError(
            f"the last release of {service} {changing[0].result}, so two versions run; deploy again, or go back: "
            f"rollcall rollback {source} {service}"
        )
    return changing[0] if changing else None


def to_roll_back_to(found: Sequence[Record], service: str, given: str, source: str) -> Record:
    """Choose the release to run again: the one named, or the last complete one of another version than the newest.

    Args:
        found: the service's records, the newest first.
        service: its name.
        given: a digest, its beginning, or an image's tag that only one version has; empty for the one before.
        source: the inventory as the user typed it.

    Raises:
        RollcallError: there is none, or more than one.
    """
    complete = {one.digest: one for one in reversed(found) if one.complete}
    if not given:
        # What a failed release was to replace may be of the same declaration, with another secret.
        others = [one for one in found if one.complete and not (found[0].complete and one.digest == found[0].digest)]
        if others:
            return others[0]
        raise RollcallError(f"{service} has no earlier version that was released completely; {_list(service, source)}")
    chosen = [one for digest, one in complete.items() if digest.startswith(given) or version(one.image) == given]
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        names = ", ".join(one.digest for one in chosen)
        raise RollcallError(f"VERSION: got {given!r}, which {len(chosen)} versions have; expected one of {names}")
    known = [*complete, *(version(one.image) for one in complete.values())]
    raise RollcallError(
        f"VERSION: got {given!r}; expected a version of {_list(service, source)}; {suggestion(given, known)}"
    )


def _list(service: str, source: str) -> str:
    return f"rollcall releases {source} {service}"
