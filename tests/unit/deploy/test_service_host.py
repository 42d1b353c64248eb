"""A container whose registrations change while it is taken out of service: what is registered by now is drained."""

import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from rollcall.consul.curl import Response
from rollcall.deploy.services import service_host
from rollcall.deploy.services.service_host import ServiceHost
from rollcall.drain import instances
from rollcall.drain.remaining import Remaining
from rollcall.errors import RollcallError
from rollcall.registrator.services.identity import MARK_CONTAINER

OLD, NEW = "app1:shop-1:443", "app1:shop-1:80"
ID = "0123456789abcdef"
INSPECTED = {
    "name": "/shop-1",
    "id": ID,
    "state": {"Running": True, "StartedAt": "2026-11-29T10:00:00+00:00"},
    "restarts": 0,
    "image": "shop:1",
    "created": "2026-11-29T10:00:00Z",
    "spec": "s",
}


class Host:
    """A host whose agent knows the services that it has, and refuses maintenance of any other as Consul does."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *listings: tuple[str, ...], refused: int = 404) -> None:
        self.asked: list[str] = []
        self._refused = refused
        self._later: Iterator[tuple[str, ...]] = iter(listings)
        self.known: tuple[str, ...] = next(self._later)
        self.exists = True
        monkeypatch.setattr(service_host.agent_requests, "responses", self._responses)
        monkeypatch.setattr(service_host.callbacks, "run", self._run)
        monkeypatch.setattr(service_host, "DrainCheck", lambda *_: SimpleNamespace(words=lambda _: ""))
        monkeypatch.setattr(service_host, "wait", lambda *_: Remaining((), (), ()))
        member: Any = SimpleNamespace(name="app1")
        self.there = ServiceHost(SimpleNamespace(), SimpleNamespace(), member, "secret")  # type: ignore[arg-type]

    def drain(self) -> str:
        """Drain the container as it was read at first, and change its registrations before the agent is asked."""
        seen = self.there.see(["shop-1"])
        container = seen.containers["shop-1"]
        self.known = next(self._later, self.known)
        return self.there.drain(container, seen, 1)

    def _run(self, _host: Any, command: str, _stdin: str) -> tuple[bool, Any]:
        if command == instances.LIST:
            return True, SimpleNamespace(stdout="", stderr="")
        lines = [json.dumps(INSPECTED)] if self.exists else []
        return True, SimpleNamespace(stdout="\n".join(["1790000000.0", *lines]), stderr="")

    def _responses(self, _host: Any, requests: Any, _token: str) -> list[Response]:
        return [self._response(request) for request in requests]

    def _response(self, request: Any) -> Response:
        if request.path == "/v1/agent/services":
            listed = {
                identity: {"ID": identity, "Service": "shop", "Meta": {MARK_CONTAINER: ID[:12]}}
                for identity in self.known
            }
            return Response(200, json.dumps(listed))
        if request.path == "/v1/agent/checks":
            return Response(200, "{}")
        identity = request.path.removeprefix("/v1/agent/service/maintenance/").partition("?")[0].replace("%3A", ":")
        self.asked.append(identity)
        return Response(200, "") if identity in self.known else Response(self._refused, "Unknown service ID")


def test_what_is_registered_by_now_is_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, (OLD,), (NEW,))
    assert host.drain() == ""
    assert host.asked == [OLD, NEW]


def test_a_container_that_left_the_catalog_needs_no_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, (OLD, NEW), ())
    assert host.drain() == ""
    assert host.asked == [OLD, NEW]


def test_a_container_that_is_gone_needs_no_drain(monkeypatch: pytest.MonkeyPatch) -> None:
    host = Host(monkeypatch, (OLD,), ())
    seen = host.there.see(["shop-1"])
    host.exists, host.known = False, ()
    assert host.there.drain(seen.containers["shop-1"], seen, 1) == ""


def test_an_agent_that_refuses_fails_the_release(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RollcallError, match="Unknown service ID"):
        Host(monkeypatch, (OLD,), (), refused=403).drain()
