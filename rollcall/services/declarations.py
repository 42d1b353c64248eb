"""What the fleet declares of one service: for records, for names, and for what to write after a rollback. No I/O."""

from collections.abc import Iterator, Mapping
from typing import Any

from rollcall.components.service import service_files
from rollcall.config.fleet import Fleet
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError
from rollcall.services.history import Declared


def declarations(fleet: Fleet, service: str) -> Iterator[Declared]:
    """Return what is declared of a service, host by host. Raises RollcallError: a file of it is unreadable."""
    for member in fleet.members:
        for one in member.settings.services:
            if one.name == service:
                declaration = one.model_dump(mode="json", exclude_unset=True)
                yield Declared(member.name, declaration, service_files.digest(one, member))


def check_name(fleet: Fleet, service: str) -> None:
    """Check that a service is declared. Raises RollcallError: it is not."""
    names = {one.name for member in fleet.members for one in member.settings.services}
    if service not in names:
        raise RollcallError(f"no service {service!r} is declared; {suggestion(service, names)}")


def check_releases(fleet: Fleet, service: str) -> None:
    """Check that a service has releases. Raises RollcallError: it is not declared, or a job."""
    check_name(fleet, service)
    if any(one.name == service for member in fleet.members for one in member.settings.jobs):
        raise RollcallError(f"{service} is a job, which has no releases: a deploy replaces it (docs/jobs.md)")


def edits(today: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """Return what to write in a declaration of today so that it is the wanted one, key by key."""
    written = [f'"{key}": {value!r}' for key, value in wanted.items() if today.get(key) != value]
    return [*written, *(f'no "{key}"' for key in today if key not in wanted)]
