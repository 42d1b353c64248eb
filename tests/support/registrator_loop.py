"""A registrator's loop with an engine made of documents and a time that only moves when told. No Docker, no waiting."""

from collections.abc import Mapping
from queue import SimpleQueue
from typing import Any

from registrator_documents import WEB, settings

from rollcall.registrator.consul.agent_sync import AgentSync
from rollcall.registrator.docker.engine import EngineError, Inbox, Message
from rollcall.registrator.docker.events import Change, Event
from rollcall.registrator.docker.inspector import inspected, listed
from rollcall.registrator.loop import Loop
from rollcall.registrator.metrics import Metrics


class FakeEngine:
    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}
        self.away = False
        self.inspected: list[str] = []

    def add(self, name: str, **parts: Any) -> str:
        container_id = name.ljust(64, "0")
        config = {**WEB["Config"], "ExposedPorts": {"80/tcp": {}}, "Env": [], **parts.pop("Config", {})}
        self.documents[container_id] = {**WEB, "Id": container_id, "Name": f"/{name}", "Config": config, **parts}
        return container_id

    def running(self) -> list[str]:
        if self.away:
            raise EngineError("away")
        return [key for key, document in self.documents.items() if document["State"]["Running"]]

    def inspect(self, container_id: str) -> Mapping[str, object] | None:
        self.inspected.append(container_id)
        if self.away:
            raise EngineError("away")
        full = next((key for key in self.documents if key.startswith(container_id)), None)
        return self.documents[full] if full else None


class AtOnce:
    """Inspects without a thread: the answer is the next message, but for containers that hang."""

    def __init__(self, engine: FakeEngine, inbox: Inbox) -> None:
        self.engine, self.inbox = engine, inbox
        self.hangs: set[str] = set()

    def inspect(self, container_id: str) -> None:
        if container_id not in self.hangs:
            self.inbox.put(inspected(self.engine, container_id))  # type: ignore[arg-type]

    def list_running(self) -> None:
        self.inbox.put(listed(self.engine))  # type: ignore[arg-type]

    def free(self, now: float) -> bool:
        return self.inbox.empty()

    def next_time(self) -> float | None:
        return None


class Clock:
    """Time that only moves when told, so that no test waits."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.jump = 0.0

    def monotonic(self) -> float:
        return self.now

    def time(self) -> float:
        """The clock on the wall, which people and NTP set."""
        return self.now + self.jump


class World:
    """One registrator with its engine, its agent and its time."""

    def __init__(self, clock: Clock, agent: Any, engine: FakeEngine | None = None, **fields: Any) -> None:
        self.clock = clock
        self.engine = engine or FakeEngine()
        self.agent = agent
        self.inbox: Inbox = SimpleQueue()
        self.inspector = AtOnce(self.engine, self.inbox)
        chosen = settings(**{"internal": True, **fields})
        self.metrics = Metrics()
        agent_sync = AgentSync(self.agent, chosen, self.metrics)
        engine: Any = self.engine
        self.loop = Loop(chosen, engine, agent_sync, self.inbox, self.metrics, inspector=self.inspector)

    def settle(self, *messages: Message) -> None:
        """Give it messages, and let it work until nothing is left to do at this moment."""
        for message in messages:
            self.inbox.put(message)
        turns = 0
        while not self.inbox.empty() or self.loop.busy(self.clock.now):
            self.loop.turn()
            turns += 1
            assert turns < 200, "it never comes to rest"

    def later(self, seconds: float) -> None:
        self.clock.now += seconds
        self.settle()

    @property
    def registered(self) -> set[str]:
        return set(self.agent.present)


def started(container_id: str) -> Event:
    return Event(container_id, Change.STARTED)


def died(container_id: str, exit_code: int = 0) -> Event:
    return Event(container_id, Change.DIED, exit_code)
