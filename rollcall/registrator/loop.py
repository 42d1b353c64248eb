"""The main loop: read Docker's events and bring the agent's services to the desired state."""

import logging
import time
from collections.abc import Mapping

from rollcall.registrator.consul.agent_sync import AgentSync
from rollcall.registrator.consul.reconcile import Registration
from rollcall.registrator.docker.container import SHORT_ID, read_container
from rollcall.registrator.docker.engine import Connected, Engine, EngineError, Inbox, Inspected, Listed, Message
from rollcall.registrator.docker.events import Change, Event
from rollcall.registrator.docker.inspector import Inspects
from rollcall.registrator.message_queue import MessageQueue
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.services.identity import MARK_CONTAINER, id_fault
from rollcall.registrator.services.services import read_services
from rollcall.registrator.settings import Settings
from rollcall.registrator.tracker import BY_SIGNAL, Tracker

log = logging.getLogger(__name__)

# Before listing the containers again after Docker failed to, although the event stream is up.
LIST_RETRY_SECONDS = 1.0


class Loop:
    """Reconcile in one thread. Inspections run in others; their results arrive as messages.

    Each container is written as soon as it is inspected, so the first of a burst does not wait for the last. Events
    come before the results of other containers' inspections: these write to Consul, whose responses take time. Events
    of a container that still waits for its inspection cost no second one.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        agent_sync: AgentSync,
        inbox: Inbox,
        metrics: Metrics,
        *,
        inspector: Inspects,
    ) -> None:
        """Prepare; nothing runs before `run`."""
        self._settings = settings
        self._engine = engine
        self._inspector = inspector
        self._agent_sync = agent_sync
        self._messages = MessageQueue(inbox)
        self._metrics = metrics
        self._tracker = Tracker(keep_failed=not settings.deregister_failed)
        # Containers to inspect, oldest first, with the time of the event that caused it; 0 without an event.
        self._to_inspect: dict[str, float] = {}
        # Inspections in progress, with the same time, and the signals that these containers got meanwhile.
        self._inspecting: dict[str, float] = {}
        self._signals: dict[str, list[Event]] = {}
        # Containers that died during their inspection: its result is out of date.
        self._outdated: set[str] = set()
        # When to list all containers; None before Docker responds, and without a resync.
        self._list_at: float | None = None
        # Whether all containers were listed and every inspection since succeeded. Before that, none counts as gone.
        self._listed = False
        # When the last turn started.
        self.last_turn_at = time.monotonic()

    def run(self) -> None:
        """Run forever. Raises GaveUpError if Consul is unreachable at start and the user limited the attempts."""
        while True:
            self.turn()

    def turn(self) -> None:
        """Wait for work, and do it. Raises GaveUpError."""
        self.last_turn_at = time.monotonic()
        self._handle_messages()
        self._inspect(time.monotonic())
        self._run_timers(time.monotonic())

    def busy(self, now: float) -> bool:
        """Whether work other than messages is due now."""
        return self._next_to_inspect(now) is not None or self._next_time() <= now

    def _handle_messages(self) -> None:
        """Wait for work, then handle all messages. The engine inspects while Consul responds to a write."""
        now = time.monotonic()
        self._messages.wait(0.0 if self.busy(now) else self._next_time() - now)
        while self._messages:
            for event in self._messages.take_events():
                self._handle_event(event, time.monotonic())
            self._inspect(time.monotonic())
            if message := self._messages.take():
                self._handle(message)

    def _next_time(self) -> float:
        inspector_free = self._inspector.next_time() if self._to_inspect else None
        times = (self._agent_sync.due(), self._list_at, self._tracker.next_survivor(), inspector_free)
        return min(at for at in times if at is not None)

    def _handle(self, message: Message) -> None:
        now = time.monotonic()
        if isinstance(message, Connected):
            self._list_at = now
            self._listed = False
        elif isinstance(message, Listed):
            self._handle_list(message, now)
        elif isinstance(message, Inspected):
            self._handle_inspected(message, now)
        else:
            self._handle_event(message, now)

    def _handle_event(self, event: Event, now: float) -> None:
        container_id = event.container_id
        self._metrics.events[event.change.value].inc()
        if event.change is Change.SIGNALLED:
            if container_id in self._inspecting:
                self._signals.setdefault(container_id, []).append(event)
            self._write(self._tracker.signalled(container_id, event.number, now), event.at)
            return
        if event.change is Change.DIED:
            self._to_inspect.pop(container_id, None)
            if container_id in self._inspecting:
                self._outdated.add(container_id)
            self._write(self._tracker.died(container_id, event.number), event.at)
        elif event.change is Change.STARTED or container_id in self._tracker or container_id in self._inspecting:
            self._to_inspect[container_id] = event.at
        # A change of its network affects the containers that use it.
        self._to_inspect.update(dict.fromkeys(self._tracker.network_users(container_id), event.at))

    def _inspect(self, now: float) -> None:
        """Start inspections, oldest first, while the inspector is free."""
        while (container_id := self._next_to_inspect(now)) is not None:
            self._inspecting[container_id] = self._to_inspect.pop(container_id)
            self._inspector.inspect(container_id)

    def _next_to_inspect(self, now: float) -> str | None:
        if not self._to_inspect or not self._inspector.free(now):
            return None
        return next((waiting for waiting in self._to_inspect if waiting not in self._inspecting), None)

    def _handle_inspected(self, inspected: Inspected, now: float) -> None:
        """Write the services that follow from an inspection."""
        container_id, container = inspected.container_id, inspected.container
        since, signals = self._inspecting.pop(container_id), self._signals.pop(container_id, [])
        if container_id in self._outdated:
            self._outdated.discard(container_id)
            return
        if inspected.error:
            self._metrics.failures["docker"].inc()
            log.warning("cannot inspect container %s (%s); retrying", container_id[:SHORT_ID], inspected.error)
            self._listed = False
            self._list_at = now + LIST_RETRY_SECONDS
            return
        if container is None:
            self._handle_missing(container_id)
        elif not container.running:
            self._write(self._tracker.died(container_id, container.exit_code), since)
        else:
            found = read_services(container, self._settings, inspected.owner, inspected.document)
            self._write(self._tracker.update(container, found), since)
            for remark in self._tracker.new_remarks():
                log.info("%s", remark)
            for event in signals:
                self._write(self._tracker.signalled(container_id, event.number, now), event.at)

    def _handle_missing(self, container_id: str) -> None:
        # A failed container that was removed keeps its services, until -cleanup.
        if self._settings.cleanup or not self._tracker.failed(container_id):
            self._write(self._tracker.removed(container_id))

    def _write(self, ids: list[str], since: float = 0.0) -> None:
        """Write the changes of these services at once. `since` is the time of the event that caused them."""
        if not ids:
            return
        desired, now = self._tracker.desired(), time.monotonic()
        written = self._agent_sync.apply(desired, now, may_remove=self._tracker.released, among=ids)
        if written and since:
            # The engine may run on another machine, and clocks jump: never observe a negative time.
            self._metrics.latency.observe(max(0.0, time.time() - since))

    def _run_timers(self, now: float) -> None:
        """Do the work that is due."""
        for container_id in self._tracker.survivors(now):
            self._to_inspect[container_id] = 0.0
        if self._list_at is not None and self._list_at <= now:
            self._list_at = None
            self._inspector.list_running()
        if self._agent_sync.due() <= now:
            self._agent_sync.refresh(now)
            self._apply_all(now)

    def _handle_list(self, listed: Listed, now: float) -> None:
        """Inspect everything again: what runs, and what is only believed to run."""
        if listed.error:
            self._metrics.failures["docker"].inc()
            log.warning("cannot list the containers (%s); retrying", listed.error)
            self._list_at = now + LIST_RETRY_SECONDS
            return
        self._to_inspect.update(dict.fromkeys([*listed.containers, *self._tracker.known()], 0.0))
        self._listed = True
        self._list_at = now + self._settings.resync_seconds if self._settings.resync_seconds else None

    def _apply_all(self, now: float) -> None:
        """Compare all services with the agent's. Forget removals that are done, if the token shows all services."""
        actual = self._agent_sync.actual
        if actual is None:
            return
        if self._agent_sync.sees_all:
            self._tracker.released &= actual.keys()
        removable = set(self._tracker.released)
        if self._listed and not self._to_inspect and not self._inspecting:
            removable |= self._leftovers(actual) | (self._orphans(actual) if self._settings.cleanup else set())
        self._agent_sync.apply(self._tracker.desired(), now, may_remove=removable)

    def _mine(self, actual: Mapping[str, Registration]) -> dict[str, str]:
        """Return the ids that this host's registrators wrote, with their containers."""
        return {
            registration.id: registration.meta.get(MARK_CONTAINER, "")
            for registration in actual.values()
            if registration.belongs_to(self._settings.hostname)
        }

    def _leftovers(self, actual: Mapping[str, Registration]) -> set[str]:
        """Return this host's services that no registrator of this version would write, with or without -cleanup."""
        mine = self._mine(actual)
        return {service_id for service_id in mine if id_fault(service_id)} | self._tracker.disowned(mine)

    def _orphans(self, actual: Mapping[str, Registration]) -> set[str]:
        """Return this host's services in the agent whose container is gone."""
        mine = self._mine(actual)
        desired = self._tracker.desired()
        gone = {service_id: container for service_id, container in mine.items() if service_id not in desired}
        if self._settings.deregister_failed:
            return set(gone)
        return {service_id for service_id, container in gone.items() if not self._has_failed(container)}

    def _has_failed(self, container_id: str) -> bool:
        """Whether a container that this process never saw running exited with an error of its own."""
        try:
            document = self._engine.inspect(container_id)
        except EngineError:
            # Unknown: its services stay for now.
            return True
        if document is None:
            return False
        container = read_container(document)
        return not container.running and 0 < container.exit_code < BY_SIGNAL
