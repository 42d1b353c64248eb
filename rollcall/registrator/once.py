"""`registrator once`: one look at everything, registered or only shown."""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from rollcall.registrator.consul.agent import Agent
from rollcall.registrator.consul.agent_sync import Writer
from rollcall.registrator.docker.container import SHORT_ID, read_container
from rollcall.registrator.docker.engine import Engine, Inspected
from rollcall.registrator.docker.inspector import inspected
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.services.network_owner import network_owner
from rollcall.registrator.services.services import Service, read_services
from rollcall.registrator.settings import Settings
from rollcall.registrator.tracker import Fleet

log = logging.getLogger(__name__)

GAP = "  "
# Inspections side by side: one that hangs costs the others nothing.
AT_ONCE = 16


class Look:
    """What runs now, the services that follow, and why the rest is none."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """Look at every running container. Raises EngineError."""
        self._settings = settings
        self._fleet = Fleet(keep_failed=False)
        self._unseen: list[tuple[str, str]] = []
        with ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            for seen in pool.map(lambda container_id: inspected(engine, container_id), engine.running()):
                self._see(seen)

    def _see(self, seen: Inspected) -> None:
        if seen.error:
            self._unseen.append((seen.container_id[:SHORT_ID], f"Docker cannot tell about it: {seen.error}"))
        if seen.document is None:
            return
        container = read_container(seen.document)
        owner = network_owner(container, seen.lender)
        self._fleet.saw(container, read_services(container, self._settings, owner, seen.document))

    @property
    def services(self) -> dict[str, Service]:
        """The services by id."""
        return self._fleet.desired()

    def text(self) -> str:
        """Tables for people: what would be registered, what is ignored and why, and what else is odd."""
        services = self.services.values()
        rows = [("SERVICE", "ID", "ADDRESS", "TAGS", "CHECK", "CONTAINER"), *map(_row, services)]
        lines = list(_table(rows)) if services else ["No service would be registered."]
        remarks = self._fleet.remarks()
        for head, ignored in (("IGNORED", True), ("REMARK", False)):
            reasons = [(str(one.container), one.text) for one in remarks if one.ignored is ignored]
            reasons += self._unseen if ignored else []
            if reasons:
                lines += ["", *_table([(head, "WHY"), *reasons])]
        return "\n".join(lines)

    def write(self) -> bool:
        """Register what is missing or different, and remove nothing. False when it did not all succeed: see the log."""
        writer = Writer(Agent(self._settings.agent, self._settings.token), self._settings, Metrics())
        writer.refresh(0.0)
        writer.apply(self.services, 0.0, may_remove=())
        for container, why in self._unseen:
            log.warning("not registered, container %s: %s", container, why)
        return writer.content and not self._unseen


def _row(service: Service) -> tuple[str, ...]:
    kinds = [key for key in ("HTTP", "Args", "TTL", "TCP", "GRPC") if service.check and key in service.check]
    health = service.container.health
    checks = [*kinds, *([f"HEALTHCHECK ({health.status})"] if health else [])]
    address = f"{service.address or '(the agent)'}:{service.port}"
    tags, check = ",".join(service.tags) or "-", ", ".join(checks) or "-"
    return service.name, service.id, address, tags, check, str(service.container)


def _table(rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    # What containers call themselves may hold anything, also what would move the cursor.
    shown = [[cell if cell.isprintable() else repr(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*shown, strict=True)]
    for row in shown:
        yield GAP.join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
