"""Build the status that `docker exec templates templates-status` shows."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Problem:
    """A problem, and since when it exists."""

    text: str
    since: datetime


@dataclass(frozen=True)
class Sight:
    """The state of one template at one moment.

    `served` is since when its file matches the catalog, None if it has not since the container started; `addresses`
    counts the catalog's addresses in it; `changes` counts installed files; `running` is whether its consul-template
    runs.
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
    """Build the status document."""
    return {"version": 1, "node": node, "time": _time(now), "templates": [_template(sight) for sight in sights]}


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
    """Return the current problem; an unchanged one keeps its start."""
    if not text:
        return None
    return before if before and before.text == text else Problem(text, now)


def health(found: dict[str, Any]) -> tuple[bool, str]:
    """Return whether the container is healthy, and the state of its templates in one line.

    A rejected rendering is healthy, since the last good file stays in use; its reason is shown anyway.
    """
    templates = found["templates"]
    words = [
        f"{template['name']}: {(template['problem'] or {}).get('text', template['state'])}" for template in templates
    ]
    return all(template["consul_template"]["running"] for template in templates), "; ".join(words)


def write(path: Path, found: dict[str, Any]) -> None:
    """Write the document atomically."""
    fresh = path.with_suffix(".new")
    fresh.write_text(json.dumps(found, indent=2) + "\n")
    fresh.replace(path)


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
