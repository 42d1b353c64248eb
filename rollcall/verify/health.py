"""Run a container's own health check now, instead of waiting for its next turn."""

import shlex
from collections.abc import Callable

from rollcall.registrator.services.expected import Inspected


def passes_now(container: Inspected, run: Callable[[str], int]) -> bool:
    """Return whether the container's health check passes at this moment; False without one.

    Args:
        container: its inspect document.
        run: runs a command on its host, and returns the exit code.
    """
    kind, *arguments = (container["Config"].get("Healthcheck") or {}).get("Test") or ["NONE"]
    if kind == "CMD-SHELL":
        arguments = ["/bin/sh", "-c", *arguments]
    if kind == "NONE" or not arguments:
        return False
    return run(shlex.join(["docker", "exec", str(container["Name"]).lstrip("/"), *arguments])) == 0
