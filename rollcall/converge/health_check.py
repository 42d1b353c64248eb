"""Run a container's own health check now, instead of waiting for its next turn."""

import shlex
from collections.abc import Mapping
from typing import Any


def command(container: Mapping[str, Any]) -> str:
    """Return the shell command that exits with 0 if the check passes now; empty for a container without one.

    Args:
        container: its inspect document.
    """
    kind, *arguments = (container["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
    if kind == "CMD-SHELL":
        arguments = ["/bin/sh", "-c", *arguments]
    if kind == "NONE" or not arguments:
        return ""
    return shlex.join(["docker", "exec", str(container["Name"]).lstrip("/"), *arguments])
