"""What schedulers keep of jobs in Consul's KV, and what the command line reads and writes there."""

import json
from dataclasses import asdict, dataclass
from typing import Any, Literal

PREFIX = "rollcall/jobs/"
# A job's one container on a host, created by the deploy and started by the scheduler.
SUFFIX = "-job"
ADDRESS, PORT = "127.0.0.1", 8512

# done: it ended by itself. timeout, stopped: a scheduler stopped it. lost: nobody saw its end. refused: the engine
# could not start it.
Outcome = Literal["done", "timeout", "stopped", "lost", "refused"]


def container(job: str) -> str:
    """Return the name of a job's container."""
    return f"{job}{SUFFIX}"


def folder(job: str) -> str:
    """Return the prefix of a job's keys."""
    return f"{PREFIX}{job}/"


def lock(job: str) -> str:
    """Return the key that the scheduler holds whose host runs the job; its value is the host's node name."""
    return f"{folder(job)}lock"


def state(job: str) -> str:
    """Return the key of a job's state."""
    return f"{folder(job)}state"


def request(job: str) -> str:
    """Return the key by which a person wants the job to run now."""
    return f"{folder(job)}request"


def when(schedule: str, timezone: str) -> str:
    """Return a schedule with its time zone, as a state has it."""
    return f"{schedule} {timezone}"


@dataclass(frozen=True)
class Run:
    """A run under way.

    `due` is its time of the schedule, or when a person wanted it; `started` is when its host took it; both in UTC.
    `before` is when its container had been started before, so that its host knows whether it was started for this run.
    `attempt` counts the hosts that began it. `request` is a person's request for it.
    """

    host: str
    due: str
    started: str
    before: str = ""
    attempt: int = 1
    request: str = ""


@dataclass(frozen=True)
class Result:
    """How a run ended; `code` is its exit status where it has one, `text` what there is to say beyond that."""

    host: str
    due: str
    started: str
    ended: str
    outcome: Outcome
    code: int | None = None
    text: str = ""
    request: str = ""

    @property
    def ok(self) -> bool:
        """Whether it did its work."""
        return self.outcome == "done" and self.code == 0


@dataclass(frozen=True)
class State:
    """A job's state: the last time of its schedule that was taken or let pass, the run under way, and the last result.

    `schedule` is the one that `due` is of, with its time zone. `succeeded` is when a run last ended well; `request` the
    last one that was taken.
    """

    due: str
    schedule: str
    running: Run | None = None
    last: Result | None = None
    succeeded: str = ""
    request: str = ""

    @property
    def text(self) -> str:
        """Return it as it stands in the KV."""
        return json.dumps(asdict(self))


def read(text: str | bytes | None) -> State | None:
    """Read a state; None if there is none yet, or it is not of this version."""
    try:
        document: dict[str, Any] = json.loads(text or "")
        run, last = document.pop("running"), document.pop("last")
        return State(**document, running=Run(**run) if run else None, last=Result(**last) if last else None)
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


@dataclass(frozen=True)
class Request:
    """A person's wish to run a job now, on one host if it is named."""

    id: str
    who: str
    host: str = ""

    @property
    def text(self) -> str:
        """Return it as it stands in the KV."""
        return json.dumps(asdict(self))


def read_request(text: str | bytes | None) -> Request | None:
    """Read a request; None if there is none."""
    try:
        return Request(**json.loads(text or ""))
    except (ValueError, TypeError):
        return None
