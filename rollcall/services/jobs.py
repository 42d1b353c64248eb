"""Sum up the jobs of a fleet, from what their schedulers keep in Consul. No I/O."""

import base64
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from rollcall.components.jobs import hosts
from rollcall.config.fleet import Fleet
from rollcall.config.image_version import version
from rollcall.config.service import Service
from rollcall.consul.agent_client import Request
from rollcall.contract import jobs, schedule
from rollcall.contract.jobs import Result, State

STATES = f"/v1/kv/{jobs.PREFIX}?recurse=true"
# A run that no host has begun by then is late; a scheduler takes one up to ten minutes after its time.
LATE = timedelta(minutes=11)


@dataclass(frozen=True)
class JobRow:
    """One job. `running` is the host that runs it now, since `since`; times are in UTC, "" without one."""

    name: str
    version: str
    schedule: str
    timezone: str
    next: str
    hosts: tuple[str, ...]
    running: str = ""
    since: str = ""
    last: Result | None = None
    succeeded: str = ""
    remarks: tuple[str, ...] = ()

    @property
    def result(self) -> str:
        """The last result, for the user."""
        return words(self.last) if self.last else "–"


def words(last: Result) -> str:
    """Return how a run ended, for the user."""
    if last.ok:
        return f"done on {last.host}"
    code = "" if last.code is None else f"exit status {last.code}"
    what = code if last.outcome == "done" else ", ".join(part for part in (last.outcome, code) if part)
    return f"{what} on {last.host}{f' ({last.text})' if last.text else ''}"


def declared(fleet: Fleet) -> dict[str, Service]:
    """Return the jobs of a fleet by name."""
    return {service.name: service for member in fleet.members for service in member.settings.jobs}


def states(entries: Iterable[Mapping[str, Any]] | None) -> dict[str, State]:
    """Read Consul's entries below rollcall/jobs/; what is malformed is no state."""
    found = {}
    for entry in entries or ():
        name, _, key = str(entry["Key"]).removeprefix(jobs.PREFIX).partition("/")
        state = jobs.read(base64.b64decode(entry["Value"] or "")) if key == "state" else None
        if state:
            found[name] = state
    return found


def rows(fleet: Fleet, found: Mapping[str, State], now: datetime) -> list[JobRow]:
    """Return a row for each declared job."""
    return [_row(name, service, fleet, found.get(name), now) for name, service in sorted(declared(fleet).items())]


def _row(name: str, service: Service, fleet: Fleet, state: State | None, now: datetime) -> JobRow:
    text = service.schedule or ""
    run = state.running if state else None
    return JobRow(
        name=name,
        version=version(service.image),
        schedule=text,
        timezone=service.timezone,
        next=f"{schedule.following(text, service.timezone, now):%Y-%m-%dT%H:%M:%SZ}",
        hosts=tuple(member.name for member in hosts(fleet, name)),
        running=run.host if run else "",
        since=run.started if run else "",
        last=state.last if state else None,
        succeeded=state.succeeded if state else "",
        remarks=tuple(faults(service, state, now)),
    )


def faults(service: Service, state: State | None, now: datetime) -> list[str]:
    """Return what a person should look at: a run that failed, and a time at which nobody ran it."""
    if state is None:
        return ["no scheduler has seen it yet; deploy, or see docker logs scheduler on its hosts"]
    found = (
        [f"its last run failed: {words(state.last)}, {state.last.ended}"] if state.last and not state.last.ok else []
    )
    if not state.running and state.schedule == jobs.when(service.schedule or "", service.timezone):
        missed = schedule.following(service.schedule or "", service.timezone, datetime.fromisoformat(state.due))
        if missed < now - LATE:
            found.append(f"no host ran it at {missed:%Y-%m-%dT%H:%M:%SZ}")
    return found


def want(job: str, identity: str, who: str, node: str) -> Request:
    """Ask for a run now, on one node if it is named."""
    return Request("PUT", f"/v1/kv/{jobs.request(job)}", jobs.Request(identity, who, node).text)


def want_no_more(job: str) -> Request:
    """Take that back."""
    return Request("DELETE", f"/v1/kv/{jobs.request(job)}")
