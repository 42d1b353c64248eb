"""Notify the consumers of changed files; a marker stays on the host until that succeeds."""

import hashlib
from collections.abc import Sequence

from rollcall.converge.changes import Change
from rollcall.converge.host_state import ROOT
from rollcall.converge.resources import AbsentFile, Container, File


def pending_marker(resource: File | AbsentFile) -> str:
    """Return the path of the marker that exists on a host from a file's change until `notify` succeeds."""
    return f"{ROOT}/.pending-{hashlib.sha256(resource.notify.encode()).hexdigest()[:12]}"


def notifications(changes: Sequence[Change]) -> dict[str, str]:
    """Return the commands that notify consumers of changed files, each with its marker.

    This includes a consumer that a takeover replaces: if the old one stays, the next deploy finds the marker.
    """
    started = {
        change.name
        for change in changes
        if isinstance(change.resource, Container) and change.action not in ("take over", "finish")
    }
    return {
        change.resource.notify: pending_marker(change.resource)
        for change in changes
        if (isinstance(change.resource, File) and change.resource.notify and change.resource.consumer not in started)
        or (isinstance(change.resource, AbsentFile) and change.resource.notify)
    }
