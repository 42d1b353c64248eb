"""Validate what a job declares: a service with a schedule."""

from collections.abc import Iterator

from rollcall.config.fleet import Fleet, Member
from rollcall.config.service import Service

# Of a container that runs all the time.
_OF_SERVICES = ("count", "ports", "public_port", "routes", "streams", "health", "tags")
_OF_JOBS = ("timezone", "timeout")
# What an update of a job takes from `release`.
_OF_RELEASE = {"drain_timeout"}


def faults(service: Service) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Return the settings that do not go together, each with its sentence."""
    if not service.schedule:
        for key in _OF_JOBS:
            if key in service.model_fields_set:
                yield (key,), "got it without a schedule; expected both, or neither"
        return
    for key in _OF_SERVICES:
        if key in service.model_fields_set:
            yield (key,), f"got it with a schedule, and {_why(key)}; expected one of them"
    for key in sorted(service.release.model_fields_set - _OF_RELEASE):
        yield ("release", key), "got it with a schedule, and a job has no releases; expected drain_timeout alone"


def _why(key: str) -> str:
    return "a job runs once, on one host" if key == "count" else "a job serves nobody"


def differs(service: Service, member: Member, fleet: Fleet) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Return where another host declares the job in another way, since only one of all hosts runs it."""
    for other in fleet.members[: fleet.members.index(member)]:
        for one in other.settings.services:
            if one.name != service.name or not (one.schedule or service.schedule):
                continue
            for key in ("schedule", *_OF_JOBS):
                ours, theirs = getattr(service, key), getattr(one, key)
                if ours != theirs:
                    yield (
                        (key,),
                        f"got {ours!r}, and {theirs!r} on {other.name}; expected one for all hosts of a job",
                    )
