"""Inspections side by side: whoever hangs holds nobody else up."""

import time
from collections.abc import Mapping
from queue import SimpleQueue
from threading import Event
from typing import Any

import pytest
from waiting import until

from rollcall.registrator.docker import inspector as inspector_module
from rollcall.registrator.docker.engine import EngineError, Inbox, Inspected, Listed
from rollcall.registrator.docker.inspector import Inspector, inspected

SECONDS = 10


class HangingEngine:
    def __init__(self) -> None:
        self.released = Event()
        self.calls: list[str] = []

    def running(self) -> list[str]:
        return ["one"]

    def inspect(self, container_id: str) -> Mapping[str, object] | None:
        self.calls.append(container_id)
        if container_id.startswith("hangs"):
            self.released.wait(SECONDS)
            raise EngineError("timed out")
        return {"Id": container_id}


@pytest.fixture
def engine() -> Any:
    engine = HangingEngine()
    yield engine
    engine.released.set()


def test_one_that_hangs_holds_nobody_up(engine: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inspector_module, "HANG_SECONDS", 0.05)
    inbox: Inbox = SimpleQueue()
    inspector = Inspector(engine, inbox)
    for number in range(5):
        until(lambda: inspector.free(time.monotonic()), "a free thread", SECONDS)
        inspector.inspect(f"hangs-{number}")
    until(lambda: inspector.free(time.monotonic()), "a free thread", SECONDS)
    inspector.inspect("other")
    inspector.list_running()
    found = {type(message): message for message in (inbox.get(timeout=SECONDS), inbox.get(timeout=SECONDS))}
    assert found[Inspected].container.id == "other"
    assert found[Listed] == Listed(("one",))
    engine.released.set()
    errors = [inbox.get(timeout=SECONDS) for _ in range(5)]
    assert {message.error for message in errors if isinstance(message, Inspected)} == {"timed out"}


def test_it_is_not_free_while_enough_are_in_progress_and_says_when_that_may_change(engine: Any) -> None:
    inspector = Inspector(engine, SimpleQueue())
    before = time.monotonic()
    for number in range(inspector_module.CONCURRENCY):
        assert inspector.free(before)
        inspector.inspect(f"hangs-{number}")
    assert not inspector.free(time.monotonic())
    assert (inspector.next_time() or 0) >= before + inspector_module.HANG_SECONDS


def test_a_borrower_is_inspected_with_those_whose_network_it_uses() -> None:
    class Engine:
        def inspect(self, container_id: str) -> Mapping[str, object] | None:
            mode = (
                {"last": "container:middle", "middle": "container:gone"}[container_id] if container_id != "gone" else ""
            )
            state = {"Running": True}
            return {"Id": container_id, "HostConfig": {"NetworkMode": mode}, "State": state} if mode else None

    found = inspected(Engine(), "last")  # type: ignore[arg-type]
    assert found.container and found.container.id == "last"
    assert found.owner and found.owner.container is None
    assert found.owner.network_chain == ("middle", "gone")
