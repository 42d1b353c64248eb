"""What the slots of one service share during a run, over all hosts: their turn, the hooks, and the record of it."""

import json
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from gevent.lock import BoundedSemaphore
from pyinfra import logger

from rollcall import who
from rollcall.config.fleet import Fleet
from rollcall.config.service import Service
from rollcall.consul.agent_client import Request
from rollcall.contract.timeouts import stretched
from rollcall.converge import docker_commands
from rollcall.converge.resources import Container
from rollcall.deploy.services import scope
from rollcall.deploy.services.service_host import ServiceHost
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import path_segment
from rollcall.services import history, observed, one_off, pruning
from rollcall.services.declarations import declarations
from rollcall.services.history import Record
from rollcall.services.observed import Instance
from rollcall.services.work import Work

# A check that fails once or twice is no version that does not serve.
RECOVERY_SECONDS = 10
POLL_SECONDS = 0.5


class HookError(RollcallError):
    """A command before or after a release failed."""


class UnhealthyError(RollcallError):
    """A container that served after its replacement does not any more."""


@dataclass
class ServiceTurn:
    """One service of the fleet.

    So many of its slots change at a time, and none any more after one has failed. `planned` are the slots of this run
    with their hosts, in the fleet's order; `serving` are the instances that passed once they were in place.
    """

    service: str
    declared: Service | None = None
    planned: list[tuple[str, Work]] = field(default_factory=list)
    failed: str = ""
    done: list[str] = field(default_factory=list)
    serving: list[Instance] = field(default_factory=list)
    _record: Record | None = None
    _begun: bool = False
    _unwritten: bool = False
    _back: bool = False

    def __post_init__(self) -> None:
        """Let nobody have the turn yet; how many may have it stands in the declaration."""
        self._one_by_one = BoundedSemaphore()
        self._free: BoundedSemaphore | None = None

    @property
    def free(self) -> BoundedSemaphore:
        """What a slot holds while it changes."""
        if self._free is None:
            self._free = BoundedSemaphore(self._at_once)
        return self._free

    @property
    def _at_once(self) -> int:
        """How many slots may change at a time: all where no container serves that could be lost."""
        parallel = self.declared.release.parallel if self.declared else 1
        return max(parallel, len(self.planned)) if all(work.first for _, work in self.planned) else parallel

    def begin(self, there: ServiceHost) -> None:
        """Run what comes before the first replacement, and write that the release has begun; once for all slots.

        Raises:
            HookError: a command failed. Nothing of the service has changed.
        """
        with self._one_by_one:
            if self._begun or self.failed:
                return
            self._begun = True
            self._record = self._new_record(there.fleet)
            self._write(there, first=True)
            try:
                self._hooks(there, "before")
            except RollcallError:
                self.failed = "release.before"
                raise

    def check_replaced(self, there: ServiceHost) -> None:
        """Check before the next replacement that what was replaced still passes, as Consul sees it.

        Raises:
            UnhealthyError: one of them does not, and did not recover.
        """
        end = time.monotonic() + stretched(RECOVERY_SECONDS)
        while faults := self._faults(there):
            if time.monotonic() > end:
                raise UnhealthyError(faults[0])
            time.sleep(POLL_SECONDS)

    def _faults(self, there: ServiceHost) -> list[str]:
        if not self.serving:
            return []
        names = sorted({one.service for one in self.serving})
        requests = [Request("GET", f"/v1/health/service/{path_segment(name)}") for name in names]
        try:
            bodies = there.ask(*requests)
        except RollcallError:
            return []  # without a leader nobody knows, and each new container is still checked by its own agent
        return observed.no_longer_serving(self.serving, [one for body in bodies for one in json.loads(body)])

    def succeed(self, there: ServiceHost, where: str) -> None:
        """Note that a slot is as declared; after the last one run what comes after.

        Raises:
            HookError: a command failed. All slots are as declared.
        """
        with self._one_by_one:
            self.done.append(where)
            self._progress(there)
            if len(self.done) == len(self.planned):
                self._hooks(there, "after")
                self._prune(there)

    def fail(self, there: ServiceHost, where: str, why: str, *, back: bool = False) -> None:
        """Note that a slot did not get as declared; the others stay as they are, or go `back` if the user wants it."""
        with self._one_by_one:
            self.failed = self.failed or where
            self._back = self._back or back
            self._progress(there, f"{where}: {why}")

    @property
    def goes_back(self) -> bool:
        """Whether what was replaced is to be put back."""
        return bool(self._back and self.done and self.declared and self.declared.release.on_failure == "back")

    def _hooks(self, there: ServiceHost, when: str) -> None:
        if self.declared is None or scope.current().kind == "restart":
            return
        commands = self.declared.release.before if when == "before" else self.declared.release.after
        at = next(((host, work.container) for host, work in self.planned if work.container), None)
        if commands and at:
            for command in commands:
                self._hook(there, when, *at, command)

    def _hook(self, there: ServiceHost, when: str, host: str, container: Container, command: Sequence[str]) -> None:
        words = " ".join(command)
        logger.info(f"    {self.service}: {when} the release: {words} on {host}")
        once = one_off.hook(container, f"{self.service}-{when}", command)
        done, lines = there.try_on(host, once, docker_commands.run_input(container))
        log: Callable[[str], None] = logger.info if done else logger.error
        for line in lines:
            log(f"    {self.service} {when} | {line}")
        if not done:
            what = "no container was replaced" if when == "before" else "every container was replaced before it"
            raise HookError(f"release.{when}: {words} failed on {host}; {what}")

    def _prune(self, there: ServiceHost) -> None:
        """Remove images that ran long ago. A release does not fail because of them."""
        try:
            found = history.records(json.loads(there.read_key(f"{history.path(self.service)}?recurse=true") or "[]"))
            if old := pruning.outdated(found):
                for host in dict.fromkeys(host for host, _ in self.planned):
                    there.read(host, pruning.remove(old))
        except RollcallError as problem:
            logger.warning(f"{self.service}: its old images stay: {problem}")

    def _new_record(self, fleet: Fleet) -> Record | None:
        if self.declared is None:
            return None
        found, hosts = history.gathered(declarations(fleet, self.service))
        return Record(
            service=self.service,
            image=self.declared.image,
            kind=scope.current().kind,
            who=who.user(),
            started=who.now(),
            declarations=found,
            hosts=hosts,
            total=len(self.planned),
        )

    def _progress(self, there: ServiceHost, failure: str = "") -> None:
        if self._record:
            self._record = self._record.with_progress(who.now(), failure=failure)
            self._write(there)

    def _write(self, there: ServiceHost, *, first: bool = False) -> None:
        """Write the record. A release does not fail because nobody will read of it."""
        if self._record is None:
            return
        try:
            old: Iterable[Request] = ()
            if first:
                old = history.outdated(self.service, there.read_key(f"{history.path(self.service)}?keys"))
            there.ask(history.put(self._record), *old)
        except RollcallError as problem:
            if not self._unwritten:
                logger.warning(f"{self.service}: the release is not recorded: {problem}")
            self._unwritten = True


_turns: dict[str, ServiceTurn] = {}


def plan(fleet: Fleet, host: str, slots: Iterable[Work]) -> None:
    """Note the slots of a host, while the run is prepared."""
    order = [member.name for member in fleet.members]
    for work in slots:
        turn = of(work.service)
        turn.declared = turn.declared or _declaration(fleet, host, work.service)
        turn.planned.append((host, work))
        turn.planned.sort(key=lambda one: order.index(one[0]))


def _declaration(fleet: Fleet, host: str, service: str) -> Service | None:
    """Return the declaration of a service: this host's, else another's."""
    members = sorted(fleet.members, key=lambda member: member.name != host)
    return next((one for member in members for one in member.settings.services if one.name == service), None)


def of(service: str) -> ServiceTurn:
    """Return the turn of a service in this run."""
    return _turns.setdefault(service, ServiceTurn(service))


def going_back() -> list[str]:
    """Return the services whose release failed and is to be put back."""
    return [turn.service for turn in _turns.values() if turn.goes_back]
