"""`registrator once`: one look at everything, registered or only shown."""

from collections.abc import Iterator, Mapping, Sequence

from rollcall.registrator.consul.agent import Agent
from rollcall.registrator.consul.agent_sync import Writer
from rollcall.registrator.docker.container import Container, read_container
from rollcall.registrator.docker.engine import Engine
from rollcall.registrator.metrics import Metrics
from rollcall.registrator.services.network_owner import network_owner
from rollcall.registrator.services.services import Service, read_services
from rollcall.registrator.settings import Settings
from rollcall.registrator.tracker import Fleet

GAP = "  "


class Look:
    """What runs now, the services that follow, and why the rest is none."""

    def __init__(self, settings: Settings, engine: Engine) -> None:
        """Look at every running container. Raises EngineError."""
        self._settings = settings
        self._fleet = Fleet(keep_failed=False)
        for container_id in engine.running():
            document = engine.inspect(container_id)
            if document is not None:
                self._see(document, engine)

    def _see(self, document: Mapping[str, object], engine: Engine) -> None:
        container = read_container(document)
        owner = network_owner(container, lambda text: found(engine, text))
        self._fleet.saw(container, read_services(container, self._settings, owner, document))

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
            if reasons:
                lines += ["", *_table([(head, "WHY"), *reasons])]
        return "\n".join(lines)

    def write(self) -> bool:
        """Register what is missing or different, and remove nothing. False when it did not all succeed: see the log."""
        writer = Writer(Agent(self._settings.agent, self._settings.token), self._settings, Metrics())
        writer.refresh(0.0)
        writer.apply(self.services, 0.0, may_remove=())
        return writer.content


def found(engine: Engine, text: str) -> Container | None:
    """Find a container by what stands in another's network mode. Raises EngineError."""
    document = engine.inspect(text)
    return read_container(document) if document is not None else None


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
