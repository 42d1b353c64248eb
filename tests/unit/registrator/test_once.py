"""What `registrator once` shows."""

from collections.abc import Mapping
from typing import Any

import pytest
from registrator_documents import WEB, settings

from rollcall.registrator.docker.engine import EngineError
from rollcall.registrator.once import Snapshot


class FakeEngine:
    def __init__(self) -> None:
        self.documents: dict[str, dict[str, Any]] = {}

    def add(self, name: str, *ports: str, env: tuple[str, ...] = (), **parts: Any) -> None:
        config = {**WEB["Config"], "ExposedPorts": {port: {} for port in ports}, "Env": list(env)}
        container_id = name.ljust(64, "0")
        self.documents[container_id] = {**WEB, "Id": container_id, "Name": f"/{name}", "Config": config, **parts}

    def running(self) -> list[str]:
        return [*self.documents, "gone"]

    def inspect(self, container_id: str) -> Mapping[str, object] | None:
        return self.documents.get(container_id)


def text(engine: FakeEngine, **fields: Any) -> list[str]:
    return Snapshot(settings(**{"internal": True, **fields}), engine).text().splitlines()  # type: ignore[arg-type]


def test_services_with_their_checks_and_what_is_ignored_with_its_reason() -> None:
    engine = FakeEngine()
    health = {"Running": True, "Health": {"Status": "starting"}}
    engine.add("web", "80/tcp", env=("SERVICE_TAGS=a,b", "SERVICE_CHECK_TCP=true"), State=health)
    engine.add("bare")
    header, web, gap, why, bare = text(engine)
    assert header.split() == ["SERVICE", "ID", "ADDRESS", "TAGS", "CHECK", "CONTAINER"]
    assert web.split()[:4] == ["web", "app1:web:80", "172.17.0.9:80", "a,b"]
    assert "TCP, HEALTHCHECK (critical)" in web
    assert web.index("app1") == header.index("ID")
    assert (gap, why.split()) == ("", ["IGNORED", "WHY"])
    assert bare.split("  ") == ["bare (bare00000000)", "it exposes no port"]


def test_nothing_to_register_is_a_sentence() -> None:
    assert text(FakeEngine()) == ["No service would be registered."]


def test_two_that_want_one_id_are_one_service_and_a_reason() -> None:
    engine = FakeEngine()
    for name in ("one", "two"):
        engine.add(name, "80/tcp", env=("SERVICE_ID=same",))
    lines = text(engine)
    assert sum("same" in line for line in lines) == 2
    assert "two (two000000000)  the id same is taken by one (one000000000)" in lines


def test_an_id_that_cannot_be_used_is_a_remark_below_the_services() -> None:
    engine = FakeEngine()
    engine.add("web", "80/tcp", env=("SERVICE_ID=../x",))
    lines = text(engine)
    assert "app1:web:80" in lines[1]
    assert lines[3].split() == ["REMARK", "WHY"]
    assert lines[4].startswith("web (web000000000)  port 80/tcp: SERVICE_ID='../x'")


def test_nothing_that_a_container_says_moves_the_cursor() -> None:
    engine = FakeEngine()
    engine.add("web", "80/tcp", env=("SERVICE_NAME=a\x1b[2Jb\n",))
    assert all(line.isprintable() for line in text(engine))


def test_an_engine_that_is_away_is_told() -> None:
    engine = FakeEngine()
    engine.running = lambda: (_ for _ in ()).throw(EngineError("away"))  # type: ignore[method-assign]
    with pytest.raises(EngineError, match="away"):
        text(engine)
