"""The loop: Docker's events in, the agent's services brought to what they should be."""

import logging
import time
from collections.abc import Mapping
from queue import Empty

from rollcall.registrator.consul.agent_sync import Writer
from rollcall.registrator.consul.reconcile import Registration
from rollcall.registrator.docker.container import read_container
from rollcall.registrator.docker.engine import Connected, Engine, EngineError, Inbox, Inspected, Listed, Message
from rollcall.registrator.docker.events import Change, Event
from rollcall.registrator.docker.inspector import Inspects
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.services.identity import MARK_CONTAINER, id_fault
from rollcall.registrator.services.network_owner import network_owner
from rollcall.registrator.services.services import read_services
from rollcall.registrator.settings import Settings
from rollcall.registrator.tracker import BY_SIGNAL, Fleet

log = logging.getLogger(__name__)

# When Docker's list cannot be had although the event stream stands, in seconds.
LIST_AGAIN = 1.0


class Loop:
    """One reconciler. Everything happens in its one thread, but for inspections, whose answers come as messages.

    Each container is written as soon as its answer is there, so that the first of a burst does not wait for the last;
    what happens meanwhile to one that is still waiting to be inspected costs no second inspection.
    """

    def __init__(
        self,
        settings: Settings,
        engine: Engine,
        writer: Writer,
        inbox: Inbox,
        metrics: Metrics,
        *,
        inspector: Inspects,
    ) -> None:
        """Nothing happens before `run`."""
        self._settings = settings
        self._engine = engine
        self._inspector = inspector
        self._writer = writer
        self._inbox = inbox
        self._metrics = metrics
        self._fleet = Fleet(keep_failed=not settings.deregister_failed)
        # Containers to look at, oldest first, each once, and the time in the event that asks for it, 0 without one.
        self._to_look: dict[str, float] = {}
        # Those whose inspection is on its way, with the same time, and the signals that were sent to them since.
        self._looking: dict[str, float] = {}
        self._signals: dict[str, list[Event]] = {}
        # Of these, the ones that died since: what is said of their life is out of date.
        self._outdated: set[str] = set()
        # When to list all containers; None while Docker has not answered or no resync is wanted.
        self._list_at: float | None = None
        # Whether all containers have been listed, and every look since has succeeded: until then none counts as gone.
        self._listed = False
        # When the last turn began.
        self.turned_at = time.monotonic()

    def run(self) -> None:
        """Work for ever. Raises GaveUpError when Consul was not there at start and the user limited the attempts."""
        while True:
            self.turn()

    def turn(self) -> None:
        """Wait until there is something to do, and do it. Raises GaveUpError."""
        self.turned_at = time.monotonic()
        self._take_messages()
        self._inspect(time.monotonic())
        self._keep_time(time.monotonic())

    def busy(self, now: float) -> bool:
        """Whether something is to be done at this moment, messages apart."""
        return self._next_to_look(now) is not None or self._next_time() <= now

    def _take_messages(self) -> None:
        """Wait for something to do, then take all messages that have come."""
        now = time.monotonic()
        wait = 0.0 if self.busy(now) else self._next_time() - now
        try:
            message = self._inbox.get(timeout=wait) if wait else self._inbox.get_nowait()
            while True:
                self._take(message)
                message = self._inbox.get_nowait()
        except Empty:
            return

    def _next_time(self) -> float:
        patience = self._inspector.next_time() if self._to_look else None
        times = (self._writer.due(), self._list_at, self._fleet.next_survivor(), patience)
        return min(at for at in times if at is not None)

    def _take(self, message: Message) -> None:
        now = time.monotonic()
        if isinstance(message, Connected):
            self._list_at = now
            self._listed = False
        elif isinstance(message, Listed):
            self._take_list(message, now)
        elif isinstance(message, Inspected):
            self._take_inspected(message, now)
        else:
            self._take_event(message, now)

    def _take_event(self, event: Event, now: float) -> None:
        container_id = event.container_id
        self._metrics.events.labels(event.change.value).inc()
        if event.change is Change.SIGNALLED:
            if container_id in self._looking:
                self._signals.setdefault(container_id, []).append(event)
            self._write(self._fleet.signalled(container_id, event.number, now), event.at)
            return
        if event.change is Change.DIED:
            self._to_look.pop(container_id, None)
            if container_id in self._looking:
                self._outdated.add(container_id)
            self._write(self._fleet.died(container_id, event.number), event.at)
        elif event.change is Change.STARTED or container_id in self._fleet or container_id in self._looking:
            self._to_look[container_id] = event.at
        # Whatever changes the network of one changes it for those who borrow it.
        self._to_look.update(dict.fromkeys(self._fleet.borrowers(container_id), event.at))

    def _inspect(self, now: float) -> None:
        """Have those inspected that wait for it, oldest first, as many as do not only wait elsewhere."""
        while (container_id := self._next_to_look(now)) is not None:
            self._looking[container_id] = self._to_look.pop(container_id)
            self._inspector.inspect(container_id)

    def _next_to_look(self, now: float) -> str | None:
        if not self._to_look or not self._inspector.free(now):
            return None
        return next((one for one in self._to_look if one not in self._looking), None)

    def _take_inspected(self, inspected: Inspected, now: float) -> None:
        """Write what follows of what the engine says of a container."""
        container_id, document = inspected.container_id, inspected.document
        since, signals = self._looking.pop(container_id), self._signals.pop(container_id, [])
        if container_id in self._outdated:
            self._outdated.discard(container_id)
            return
        if inspected.error:
            self._metrics.failures.labels("docker").inc()
            log.warning("Docker cannot tell about container %s (%s): looking again", container_id[:12], inspected.error)
            self._listed = False
            self._list_at = now + LIST_AGAIN
            return
        container = read_container(document or {})
        if document is None:
            self._gone(container_id)
        elif not container.running:
            self._write(self._fleet.died(container_id, container.exit_code), since)
        else:
            owner = network_owner(container, inspected.lender)
            reading = read_services(container, self._settings, owner, document)
            self._write(self._fleet.saw(container, reading), since)
            for remark in self._fleet.news():
                log.info("%s", remark)
            for event in signals:
                self._write(self._fleet.signalled(container_id, event.number, now), event.at)

    def _gone(self, container_id: str) -> None:
        # One that failed and was then removed keeps its services, until -cleanup.
        if self._settings.cleanup or not self._fleet.failed(container_id):
            self._write(self._fleet.removed(container_id))

    def _write(self, ids: list[str], since: float = 0.0) -> None:
        """Write what has changed about these services at once. `since` is the time in the event that asks for it."""
        if not ids:
            return
        desired, now = self._fleet.desired(), time.monotonic()
        taken = self._writer.apply(desired, now, may_remove=self._fleet.released, among=ids)
        if taken and since:
            # The engine may be on another machine, and clocks jump: nothing takes less than no time.
            self._metrics.latency.observe(max(0.0, time.time() - since))

    def _keep_time(self, now: float) -> None:
        """Do what time has come for."""
        for container_id in self._fleet.survivors(now):
            self._to_look[container_id] = 0.0
        if self._list_at is not None and self._list_at <= now:
            self._list_at = None
            self._inspector.list_running()
        if self._writer.due() <= now:
            self._writer.refresh(now)
            self._apply_all(now)

    def _take_list(self, listed: Listed, now: float) -> None:
        """Look at everything again: what runs, and what is only thought to run."""
        if listed.error:
            self._metrics.failures.labels("docker").inc()
            log.warning("Docker cannot list its containers (%s): asking again", listed.error)
            self._list_at = now + LIST_AGAIN
            return
        self._to_look.update(dict.fromkeys([*listed.containers, *self._fleet.known()], 0.0))
        self._listed = True
        self._list_at = now + self._settings.resync_seconds if self._settings.resync_seconds else None

    def _apply_all(self, now: float) -> None:
        """Compare everything with what the agent has. What is not there needs no removing any more, if it shows all."""
        actual = self._writer.actual
        if actual is None:
            return
        if self._writer.sees_all:
            self._fleet.released &= actual.keys()
        removable = set(self._fleet.released)
        if self._listed and not self._to_look and not self._looking:
            removable |= self._leftovers(actual) | (self._orphans(actual) if self._settings.cleanup else set())
        self._writer.apply(self._fleet.desired(), now, may_remove=removable)

    def _mine(self, actual: Mapping[str, Registration]) -> dict[str, str]:
        """The ids that this host's registrators wrote, with the containers for which they did."""
        return {
            registration.id: registration.meta.get(MARK_CONTAINER, "")
            for registration in actual.values()
            if registration.belongs_to(self._settings.hostname)
        }

    def _leftovers(self, actual: Mapping[str, Registration]) -> set[str]:
        """This host's services that no registrator of this version would write, -cleanup or not."""
        mine = self._mine(actual)
        return {service_id for service_id in mine if id_fault(service_id)} | self._fleet.disowned(mine)

    def _orphans(self, actual: Mapping[str, Registration]) -> set[str]:
        """This host's services in the agent whose container is gone."""
        mine = self._mine(actual)
        desired = self._fleet.desired()
        gone = {service_id: container for service_id, container in mine.items() if service_id not in desired}
        if self._settings.deregister_failed:
            return set(gone)
        return {service_id for service_id, container in gone.items() if not self._has_failed(container)}

    def _has_failed(self, container_id: str) -> bool:
        """Whether a container that this process never saw running has exited with an error of its own."""
        try:
            document = self._engine.inspect(container_id)
        except EngineError:
            # Not known: then its services stay for now.
            return True
        if document is None:
            return False
        container = read_container(document)
        return not container.running and 0 < container.exit_code < BY_SIGNAL
