"""`registrator once`: register everything that runs now, or only show it."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from rollcall.registrator.consul.agent import Agent
from rollcall.registrator.consul.agent_sync import AgentSync
from rollcall.registrator.docker.container import SHORT_ID
from rollcall.registrator.docker.engine import Engine, Inspected
from rollcall.registrator.docker.inspector import inspected
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.services.services import Service, read_services
from rollcall.registrator.settings import Settings
from rollcall.registrator.tracker import Tracker

log = logging.getLogger(__name__)

GAP = "  "
# Parallel inspections: one that hangs delays no other.
CONCURRENCY = 16


class Snapshot:
    """The running containers, their services, and why the rest are not services."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """Inspect every running container. Raises EngineError."""
        self._settings = settings
        self._tracker = Tracker(keep_failed=False)
        self._failed: list[tuple[str, str]] = []
        with ThreadPoolExecutor(max_workers=CONCURRENCY) as pool:
            for result in pool.map(lambda container_id: inspected(engine, container_id), engine.running()):
                self._add(result)

    def _add(self, result: Inspected) -> None:
        if result.error:
            self._failed.append((result.container_id[:SHORT_ID], f"Docker cannot inspect it: {result.error}"))
        if result.container:
            found = read_services(result.container, self._settings, result.owner, result.document)
            self._tracker.update(result.container, found)

    @property
    def services(self) -> dict[str, Service]:
        """Return the services by id."""
        return self._tracker.desired()

    def text(self) -> str:
        """Return tables of the services to register, of what is ignored and why, and of remarks."""
        services = self.services.values()
        rows = [("SERVICE", "ID", "ADDRESS", "TAGS", "CHECK", "CONTAINER"), *map(_row, services)]
        lines = list(_table(rows)) if services else ["No service would be registered."]
        remarks = self._tracker.remarks()
        for head, ignored in (("IGNORED", True), ("REMARK", False)):
            reasons = [(str(remark.container), remark.text) for remark in remarks if remark.ignored is ignored]
            reasons += self._failed if ignored else []
            if reasons:
                lines += ["", *_table([(head, "WHY"), *reasons])]
        return "\n".join(lines)

    def write(self) -> bool:
        """Register what is missing or different, and remove nothing. Return False if any of it failed."""
        agent_sync = AgentSync(Agent(self._settings.agent, self._settings.token), self._settings, Metrics())
        agent_sync.refresh(0.0)
        agent_sync.apply(self.services, 0.0, may_remove=())
        for container, why in self._failed:
            log.warning("not registered, container %s: %s", container, why)
        return agent_sync.in_sync and not self._failed


def _row(service: Service) -> tuple[str, ...]:
    kinds = [key for key in ("HTTP", "Args", "TTL", "TCP", "GRPC") if service.check and key in service.check]
    health = service.container.health
    checks = [*kinds, *([f"HEALTHCHECK ({health.status})"] if health else [])]
    address = f"{service.address or '(the agent)'}:{service.port}"
    tags, check = ",".join(service.tags) or "-", ", ".join(checks) or "-"
    return service.name, service.id, address, tags, check, str(service.container)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    # Containers' names and tags may hold control characters.
    shown = [[cell if cell.isprintable() else repr(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
