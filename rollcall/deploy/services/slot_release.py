"""Release one slot of a service: decide each step from what the host has, make it, and report it with its time."""

import time
from collections.abc import Callable, Mapping

from pyinfra import logger

from rollcall.contract.timeouts import stretched
from rollcall.converge import docker_commands
from rollcall.deploy.services.service_host import Seen, ServiceHost
from rollcall.errors import RollcallError
from rollcall.services import commands, observed
from rollcall.services.observed import REASON, Instance, Running
from rollcall.services.slot import SUFFIXES, Action, Found, Place, Slot, Step, next_step
from rollcall.services.work import Work

POLL_SECONDS = 0.3
# The registrator follows a rename and a start within milliseconds.
FOLLOW_TIMEOUT_SECONDS = 15


class NotServing(Exception):  # noqa: N818 — no fault of ours
    """A new container does not come up. Its text is why."""


class SlotRelease:
    """The release of one slot."""

    def __init__(self, there: ServiceHost, work: Work) -> None:
        """Take the host and the work; nothing happens yet."""
        self._there = there
        self._work = work
        self._names: dict[Place, str] = {place: f"{work.name}{suffix}" for place, suffix in SUFFIXES.items()}
        self._started = False
        self._seen = Seen({}, {}, {})
        self._made: Mapping[Action, Callable[[Place], str]] = {
            "run": self._run,
            "start": self._start,
            "await": self._await,
            "undrain": self._undrain,
            "take out": self._take_out,
            "retire": self._retire,
            "rename": self._rename,
            "restore": self._restore,
        }

    def __call__(self) -> None:
        """Make one step after the other until the slot is as declared.

        Raises:
            NotServing: the new container did not come up; it is kept, and the old one serves.
            RollcallError: the host, its engine or its agent does not respond.
        """
        while step := next_step(self._look(), self._work.order):
            started = time.monotonic()
            try:
                text = self._made[step.action](step.place)
            except NotServing as why:
                self._give_up(step, str(why))
            self._log(text, started)

    @property
    def instances(self) -> list[Instance]:
        """The services in Consul of the container in place, as it was last seen."""
        container = self._seen.containers.get(self._names["current"])
        ports = self._seen.ports(container) if container and not self._held else []
        return [Instance(port.service, self._there.member.node, port.identity) for port in ports]

    def _log(self, text: str, started: float) -> None:
        seconds = time.monotonic() - started
        logger.info(f"{self._there.host.print_prefix}{self._work.name}: {text} ({seconds:.1f} s)")

    def _see(self) -> Seen:
        self._seen = self._there.see(tuple(self._names.values()))
        return self._seen

    def _look(self) -> Slot:
        self._see()
        found = {place: self._found(place) for place in SUFFIXES}
        return Slot(
            found["current"],
            found["next"],
            found["retired"],
            wanted=self._work.container is not None,
            fresh=self._started,
            held=self._held,
        )

    @property
    def _held(self) -> bool:
        """Whether a person took the current container, or the whole host, out of service."""
        if observed.node_is_drained(self._seen.checks):
            return True
        current = self._seen.containers.get(self._names["current"])
        ports = self._seen.ports(current) if current else []
        return any(port.maintenance not in (None, REASON) for port in ports)

    def _found(self, place: Place) -> Found | None:
        container = self._seen.containers.get(self._names[place])
        if container is None:
            return None
        wanted = self._work.container
        new = wanted is not None and container.spec == wanted.spec and container.identity != self._work.stale
        draining = any(port.maintenance == REASON for port in self._seen.ports(container))
        return Found(new, container.runs, not self._waits_for(container), draining)

    def _waits_for(self, container: Running) -> list[str]:
        """Return why a container does not serve yet."""
        ports = self._seen.ports(container)
        missing = observed.waits_for(container, ports, self._work.ports)
        out = self._held or any(port.maintenance is not None for port in ports)
        return missing if missing or out else self._there.missing_at_fronts(ports)

    def _run(self, place: Place) -> str:
        assert self._work.container is not None  # noqa: S101 — only declared slots run anything
        container = self._work.container
        self._begin(commands.run(container, self._names[place]), docker_commands.run_input(container))
        beside = " beside the old container" if place == "next" else ""
        return f"{self._work.container.image} starts{beside}"

    def _start(self, place: Place) -> str:
        assert self._work.container is not None  # noqa: S101
        self._begin(commands.start(self._names[place], self._work.container.restart))
        return "starts again"

    def _begin(self, command: str, stdin: str = "") -> None:
        self._started = True
        try:
            self._there.run(command, stdin)
        except RollcallError as problem:
            raise NotServing(str(problem)) from None

    def _await(self, place: Place) -> str:
        deadline = time.monotonic() + stretched(self._work.patience)
        name, missing = self._names[place], ["nothing was seen of it"]
        while missing:
            time.sleep(POLL_SECONDS)
            try:
                self._see()
            except RollcallError as problem:
                missing = [str(problem)]
            else:
                container = self._seen.containers.get(name)
                missing = self._waits_for(container) if container else ["it is gone"]
                if missing and container and container.crashes:
                    raise NotServing(container.end)
            if missing and time.monotonic() > deadline:
                raise NotServing(f"after {stretched(self._work.patience):.0f} s {'; '.join(missing)}")
        return "serves"

    def _undrain(self, place: Place) -> str:
        ports = self._seen.ports(self._seen.containers[self._names[place]])
        ours = [port.identity for port in ports if port.maintenance == REASON]
        self._there.set_maintenance(ours, enable=False)
        return "is back in service"

    def _take_out(self, place: Place) -> str:
        left = self._drain(place)
        self._there.run(commands.take_out(self._names[place]))
        which = {"current": "the old container", "next": "the container beside it", "retired": "the old container"}
        return f"{which[place]} is drained and removed{left}"

    def _retire(self, place: Place) -> str:
        left = self._drain(place)
        name = self._names[place]
        self._there.run(f"{commands.stop(name)} && {commands.rename(name, self._names['retired'])}")
        return f"the old container is drained and stopped{left}"

    def _drain(self, place: Place) -> str:
        container = self._seen.containers.get(self._names[place])
        if container is None:
            return ""
        left = self._there.drain(container, self._seen, stretched(self._work.release.drain_timeout))
        return f"; {left}" if left else ""

    def _rename(self, place: Place) -> str:
        before = self._seen.containers[self._names[place]]
        old = {port.identity for port in self._seen.ports(before)}
        self._there.run(commands.rename(self._names[place], self._names["current"]))
        self._follow(before.identity, lambda ids: len(ids) >= len(old) and not ids & old, due=bool(old))
        return "the new container takes the name"

    def _restore(self, place: Place) -> str:
        before = self._seen.containers[self._names[place]]
        name = self._names["current"]
        restart = self._work.container.restart if self._work.container else "always"
        self._there.run(f"{commands.rename(self._names[place], name)} && {commands.start(name, restart)}")
        self._follow(before.identity, lambda ids: len(ids) > 0, due=self._work.ports > 0)
        return "the old container is back"

    def _follow(self, identity: str, done: Callable[[set[str]], bool], *, due: bool) -> None:
        """Wait until the registrator has followed a container's change."""
        end = time.monotonic() + stretched(FOLLOW_TIMEOUT_SECONDS)
        while due:
            seen = self._see()
            ids = {port.identity for port in observed.registered(seen.services, seen.checks, identity)}
            if done(ids):
                return
            if time.monotonic() > end:
                raise RollcallError(
                    f"{self._work.name}: the registrator of {self._there.member.name} does not register it; "
                    "docker logs registrator there"
                )
            time.sleep(POLL_SECONDS)

    def _give_up(self, step: Step, why: str) -> None:
        """Keep the container that did not come up, put the old one back, and report.

        Raises:
            NotServing: always.
        """
        name = self._names[step.place]
        log = ""
        if name in self._there.see([name]).containers:
            log = self._there.run(commands.last_words(name)).strip()
            self._there.run(commands.keep_failed(name, self._work.failed_name))
            why += f"; it is kept, stopped, as {self._work.failed_name}"
        prefix = self._there.host.print_prefix
        for line in log.splitlines() or ["(its log is empty)"]:
            logger.error(f"{prefix}{self._work.failed_name} | {line}")
        self._see()
        if self._names["retired"] in self._seen.containers and self._names["current"] not in self._seen.containers:
            started = time.monotonic()
            text = self._restore("retired")
            self._see()
            self._undrain("current")
            self._log(text, started)
        old = " The old one serves." if self._names["current"] in self._seen.containers else ""
        raise NotServing(f"the new container does not serve: {why}.{old}")
