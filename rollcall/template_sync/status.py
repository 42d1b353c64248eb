"""What `docker exec templates templates-status` shows, as a document and as files."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Problem:
    """What is not as it should be, since when."""

    text: str
    since: datetime


@dataclass(frozen=True)
class Sight:
    """One template at one moment.

    `served` is since when its file is what the catalog asks for, None as long as there was none in this life of the
    container; `addresses` are those of the catalog in it; `changes` counts files put in place. `running` is whether
    consul-template runs for it.
    """

    name: str
    destination: str
    container: str
    running: bool = False
    served: datetime | None = None
    addresses: int = 0
    changes: int = 0
    problem: Problem | None = None


def document(node: str, sights: Sequence[Sight], now: datetime) -> dict[str, Any]:
    """Make the document."""
    return {"version": 1, "node": node, "time": _time(now), "templates": [_template(one) for one in sights]}


def _template(sight: Sight) -> dict[str, Any]:
    return {
        "name": sight.name,
        "destination": sight.destination,
        "container": sight.container or None,
        "state": "refused" if sight.problem else "served" if sight.served else "waiting",
        "served_since": _time(sight.served) if sight.served else None,
        "addresses": sight.addresses,
        "changes": sight.changes,
        "consul_template": {"running": sight.running},
        "problem": {"text": sight.problem.text, "since": _time(sight.problem.since)} if sight.problem else None,
    }


def problem(before: Problem | None, text: str, now: datetime) -> Problem | None:
    """Give a problem its age: the same one keeps its own."""
    if not text:
        return None
    return before if before and before.text == text else Problem(text, now)


def health(found: dict[str, Any]) -> tuple[bool, str]:
    """Say whether the container is well, and in one line how its templates are.

    A refused rendering is no illness, since the last good file serves; its reason is shown all the same.
    """
    templates = found["templates"]
    words = [f"{one['name']}: {(one['problem'] or {}).get('text', one['state'])}" for one in templates]
    return all(one["consul_template"]["running"] for one in templates), "; ".join(words)


def write(path: Path, found: dict[str, Any]) -> None:
    """Put the document where others read it, whole at any moment."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(found, indent=2) + "\n")
    fresh.replace(path)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
