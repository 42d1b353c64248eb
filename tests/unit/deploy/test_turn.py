"""What the slots of a service share in a release: commands before and after it, and the record of it."""

import base64
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from six_hosts import checked

from rollcall.config.service import Service
from rollcall.consul.agent_client import Request
from rollcall.converge.resources import Container
from rollcall.deploy.services import scope
from rollcall.deploy.services import turn as turns
from rollcall.deploy.services.turn import HookError, ServiceTurn, UnhealthyError
from rollcall.errors import RollcallError
from rollcall.services.observed import Instance
from rollcall.services.work import Work

SHOP = {
    "name": "shop",
    "image": "shop:2",
    "ports": [8000],
    "release": {"before": [["bin/migrate"], ["bin/warm"]], "after": [["bin/announce"]], "on_failure": "back"},
}
CONTAINER = Container("shop-1", "shop:2", "services")


class There:
    """A host whose commands succeed, but for those named; it keeps what was written of the release."""

    def __init__(self, *failing: str) -> None:
        self.fleet = checked(services=[SHOP])
        self.failing = failing
        self.ran: list[tuple[str, str]] = []
        self.written: list[dict[str, Any]] = []
        self.consul = True
        self.reachable = True
        self.records: list[dict[str, Any]] = []
        self.health: list[dict[str, Any]] = []

    def try_on(self, host: str, command: str, _stdin: str) -> tuple[bool, list[str]]:
        program = command.removesuffix(" 2>&1").split()[-1]
        self.ran.append((host, program))
        return program not in self.failing, [f"output of {program}"]

    def read_key(self, path: str) -> str:
        if "recurse" not in path:
            return "[]"
        return json.dumps([{"Value": base64.b64encode(json.dumps(one).encode()).decode()} for one in self.records])

    def read(self, host: str, command: str) -> str:
        if not self.reachable:
            raise RollcallError("the connection was lost")
        self.ran.append((host, command))
        return ""

    def ask(self, *requests: Request) -> list[str]:
        if not self.consul:
            raise RollcallError("no leader")
        if requests[0].method == "GET":
            return [json.dumps([self.health.pop(0) if len(self.health) > 1 else self.health[0]])]
        self.written.append(json.loads(requests[0].body))
        return []


@pytest.fixture(autouse=True)
def plain() -> Iterator[None]:
    yield
    scope.use(scope.Scope())


def turn() -> ServiceTurn:
    hosts = ("app1", "app2")
    work = [(host, Work("shop", "shop-1", CONTAINER, 1)) for host in hosts]
    return ServiceTurn("shop", Service.model_validate(SHOP), work)


def begin(one: ServiceTurn, there: There) -> None:
    one.begin(there)  # type: ignore[arg-type]


def succeed(one: ServiceTurn, there: There, where: str) -> None:
    one.succeed(there, where)  # type: ignore[arg-type]


def test_commands_run_once_before_the_first_and_after_the_last_on_one_host() -> None:
    there, one = There(), turn()
    begin(one, there)
    begin(one, there)
    assert there.ran == [("app1", "bin/migrate"), ("app1", "bin/warm")]
    succeed(one, there, "shop-1 of app2")
    assert len(there.ran) == 2
    succeed(one, there, "shop-1 of app1")
    assert there.ran[2:] == [("app1", "bin/announce")]
    assert [(record["done"], record["total"]) for record in there.written] == [(0, 2), (1, 2), (2, 2)]
    assert {record["started"] for record in there.written} == {there.written[0]["started"]}


def test_a_command_that_fails_before_holds_every_slot() -> None:
    there, one = There("bin/migrate"), turn()
    with pytest.raises(HookError, match=r"release.before: bin/migrate failed on app1; no container was replaced"):
        begin(one, there)
    assert there.ran == [("app1", "bin/migrate")]
    assert one.failed == "release.before"
    begin(one, there)
    assert len(there.ran) == 1


def test_a_restart_runs_no_commands() -> None:
    scope.use(scope.Scope("shop", "restart"))
    there, one = There(), turn()
    begin(one, there)
    assert there.ran == []
    assert there.written[0]["kind"] == "restart"


def test_only_what_was_replaced_and_did_not_come_up_elsewhere_goes_back() -> None:
    there, one = There(), turn()
    begin(one, there)
    one.fail(there, "shop-1 of app1", "it exits", back=True)  # type: ignore[arg-type]
    assert not one.goes_back
    succeed(one, there, "shop-1 of app2")
    assert one.goes_back
    assert there.written[1]["failure"] == "shop-1 of app1: it exits"
    lost = turn()
    begin(lost, there)
    succeed(lost, there, "shop-1 of app2")
    lost.fail(there, "shop-1 of app1", "the connection was lost")  # type: ignore[arg-type]
    assert not lost.goes_back


def entry(status: str) -> dict[str, Any]:
    checks = [{"CheckID": "c", "Name": "HTTP", "Status": status, "Output": "503"}]
    return {"Node": {"Node": "app2"}, "Service": {"ID": "app2:shop-1:8000"}, "Checks": checks}


def test_a_version_that_turns_unhealthy_is_not_released_further(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(turns, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    there, one = There(), turn()
    one.check_replaced(there)  # type: ignore[arg-type]
    one.serving.append(Instance("shop", "app2", "app2:shop-1:8000"))
    there.health = [entry("critical"), entry("passing")]
    one.check_replaced(there)  # type: ignore[arg-type]
    there.health = [entry("critical")]
    with pytest.raises(UnhealthyError, match=r"app2:shop-1:8000 does not serve any more \(HTTP is critical: 503\)"):
        one.check_replaced(there)  # type: ignore[arg-type]
    there.consul = False
    one.check_replaced(there)  # type: ignore[arg-type]


def test_a_release_goes_on_where_consul_cannot_record_it() -> None:
    there, one = There(), turn()
    there.consul = False
    begin(one, there)
    succeed(one, there, "shop-1 of app1")
    assert one.done == ["shop-1 of app1"]


def test_images_of_versions_before_the_last_three_go_after_the_last_slot() -> None:
    there, one = There(), turn()
    begin(one, there)
    there.records = [
        {
            **there.written[0],
            "started": f"2026-11-29 0{number}",
            "done": 2,
            "declarations": [{"image": f"shop:{number}"}],
        }
        for number in range(5)
    ]
    succeed(one, there, "shop-1 of app1")
    before = len(there.ran)
    succeed(one, there, "shop-1 of app2")
    pruned = there.ran[before + 1 :]
    assert [host for host, _ in pruned] == ["app1", "app2"]
    assert all("in shop:0=shop:0 shop:1=shop:1;" in command for _, command in pruned)


def test_a_release_does_not_fail_because_an_old_image_stays() -> None:
    there, one = There(), turn()
    begin(one, there)
    there.records = [{**there.written[0], "declarations": [{"image": "old:1"}]}]
    there.reachable = False
    succeed(one, there, "shop-1 of app1")
    succeed(one, there, "shop-1 of app2")
    assert not one.failed


@pytest.mark.parametrize(("first", "at_once"), [([True, True], 2), ([True, False], 1), ([False, False], 1)])
def test_all_start_at_once_only_where_none_could_be_lost(first: list[bool], at_once: int) -> None:
    work = [("app1", Work("shop", f"shop-{number}", CONTAINER, 1, first=one)) for number, one in enumerate(first, 1)]
    assert ServiceTurn("shop", Service.model_validate(SHOP), work).free.counter == at_once


def test_a_removed_service_goes_one_at_a_time() -> None:
    assert (
        ServiceTurn("shop", None, [("app1", Work("shop", "shop-1")), ("app1", Work("shop", "shop-2"))]).free.counter
        == 1
    )
