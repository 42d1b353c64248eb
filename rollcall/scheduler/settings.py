"""Read the program's settings, as a deploy writes them."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rollcall.scheduler.decision import Job

CONFIGURATION = Path("/etc/rollcall/scheduler")
SOCKET = "/run/engine/jobs/docker.sock"


@dataclass(frozen=True)
class Settings:
    """The host's node name, its agent's address, where the metrics are served, and the jobs."""

    node: str
    consul: str
    port: int
    jobs: tuple[Job, ...]


def read(text: str) -> Settings:
    """Read scheduler.json. Raises ValueError: it is not one of this version."""
    try:
        document: dict[str, Any] = json.loads(text)
        jobs = tuple(Job(**{**job, "hosts": tuple(job["hosts"])}) for job in document.pop("jobs"))
        return Settings(**document, jobs=jobs)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"invalid scheduler.json: {error}; deploy with the version of this image") from error
