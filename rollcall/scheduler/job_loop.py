"""Watch one job: look, decide, make one step, and wait until there is something to look at again."""

import threading
import time
from datetime import UTC, datetime
from functools import partial

from rollcall.contract.jobs import State
from rollcall.scheduler.consul import Consul, ConsulError, Keys
from rollcall.scheduler.decision import STOP_SECONDS, Container, Job, Step, View, decide, pause
from rollcall.scheduler.engine import Engine, EngineError
from rollcall.scheduler.log import write_line

RETRY_SECONDS = 1.0


class JobLoop:
    """One job on this host; each has a thread of its own, so that none waits for another's container."""

    def __init__(self, job: Job, consul: Consul, engine: Engine) -> None:
        """Prepare; sends nothing yet."""
        self.job = job
        self._consul = consul
        self._engine = engine
        self._began = datetime.now(UTC)
        self._keys = Keys()
        # By a clock that only goes forward: the last look that showed our lock, or the start; since when we have it;
        # since when a run has none.
        self._confirmed_at, self._confirmed = time.monotonic(), False
        self._held_since: float | None = None
        self._free_since: float | None = None
        self._refused = self._stopped = self._trouble = ""
        self._stopping: threading.Thread | None = None
        self.looked = time.monotonic()

    @property
    def state(self) -> State | None:
        """The job's state as of the last look."""
        return self._keys.state

    def run(self) -> None:
        """Work for ever."""
        wait = 0.0
        while True:
            try:
                wait = self.turn(wait)
                self._trouble = ""
            except (ConsulError, EngineError) as error:
                if str(error) != self._trouble:
                    write_line(f"{self.job.name}: {error}")
                self._trouble = str(error)
                time.sleep(RETRY_SECONDS)
                wait = 0.0

    def turn(self, wait: float) -> float:
        """Look, after this many seconds or when a key changes, and make one step; return how long to wait then.

        Raises:
            ConsulError: it does not respond. A run that may have lost its lock has been stopped.
            EngineError: it does not respond.
        """
        view = self._look(wait)
        step = decide(self.job, view)
        self._make(step)
        return pause(self.job, view, step)

    def _look(self, wait: float) -> View:
        # Begun before the request: what it shows is no older.
        asked, trouble = time.monotonic(), None
        try:
            self._keys = self._consul.keys(self.job.name, self._keys.index if wait else 0, wait)
            self._note(asked)
        except ConsulError as error:
            trouble = error
        self.looked = now = time.monotonic()
        view = self._view(now, self._engine.look(self.job.name), reachable=trouble is None)
        if trouble:
            self._make(decide(self.job, view))
            raise trouble
        return view

    def _note(self, asked: float) -> None:
        """Remember since when the lock is as it is."""
        run = self._keys.state.running if self._keys.state else None
        if self._keys.holder == self._consul.node:
            self._confirmed_at, self._confirmed = asked, True
            self._held_since = self._held_since or time.monotonic()
        else:
            self._held_since = None
        left = (run and not self._keys.holder) or self._keys.holder not in ("", *self.job.hosts)
        self._free_since = (self._free_since or time.monotonic()) if left else None

    def _view(self, now: float, container: Container | None, *, reachable: bool) -> View:
        return View(
            now=datetime.now(UTC),
            began=self._began,
            host=self._consul.node,
            reachable=reachable,
            holder=self._keys.holder,
            state=self._keys.state,
            request=self._keys.request,
            container=container,
            confirmed=self._confirmed,
            unconfirmed=now - self._confirmed_at,
            held=now - self._held_since if self._held_since else 0,
            free=now - self._free_since if self._free_since else 0,
            refused=self._refused,
            stopped=self._stopped,
        )

    def _make(self, step: Step) -> None:
        name = self.job.name
        match step.kind:
            case "begin" | "claim" | "end":
                self._write(step)
            case "acquire":
                # A host out of service takes no new work; what runs there goes on.
                if not self._consul.is_drained():
                    self._consul.acquire(name)
            case "reacquire":
                self._consul.acquire(name)
            case "break":
                self._consul.break_lock(name)
            case "release":
                self._consul.release(name)
            case "start":
                self._refused = self._engine.start(name)
            case "stop":
                self._stop(step.why)
            case "nothing":
                pass

    def _write(self, step: Step) -> None:
        assert step.state is not None  # noqa: S101 — these steps have one
        self._refused = ""
        if not self._consul.write(self.job.name, step.state, self._keys.version):
            return
        if step.kind == "claim":
            self._stopped = ""
        if (before := self._keys.state) and step.state.last != before.last and step.state.last:
            last = step.state.last
            code = "" if last.code is None else f", exit status {last.code}"
            write_line(f"{self.job.name}: {last.outcome}{code} on {last.host}{f' ({last.text})' if last.text else ''}")
        if step.kind == "claim" and step.state.running:
            write_line(f"{self.job.name}: runs here, due {step.state.running.due}")

    def _stop(self, why: str) -> None:
        if self._stopping and self._stopping.is_alive() and self._stopped == why:
            return
        self._stopped = why
        write_line(f"{self.job.name}: stops: {why}")
        # It ends in time only where another host waits for that; else it may take what its declaration gives it.
        view_is_ours = self._keys.holder == self._consul.node
        seconds = self.job.stop_timeout if view_is_ours and self._confirmed_now() else STOP_SECONDS
        self._stopping = threading.Thread(target=partial(self._end, min(seconds, self.job.stop_timeout)), daemon=True)
        self._stopping.start()

    def _confirmed_now(self) -> bool:
        return time.monotonic() - self._confirmed_at < STOP_SECONDS

    def _end(self, seconds: int) -> None:
        try:
            self._engine.stop(self.job.name, seconds)
        except EngineError as error:
            write_line(f"{self.job.name}: {error}")
