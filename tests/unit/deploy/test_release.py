"""A slot's release against a host that is killed under it, or whose new version does not come up."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest

from rollcall.config.service import Release
from rollcall.converge.resources import Container
from rollcall.deploy.services import slot_release as release_module
from rollcall.deploy.services.service_host import Seen
from rollcall.deploy.services.slot_release import NotServing, SlotRelease
from rollcall.registrator.services.identity import MARK_CONTAINER
from rollcall.services.observed import REASON, Running
from rollcall.services.slot import Order
from rollcall.services.work import Work

OLD, NEW = (Container("shop-1", f"shop:{version}", "services") for version in (1, 2))


class Killed(BaseException):
    """The deploy ends here, as by SIGKILL."""


@dataclass
class FakeHost:
    """A host that obeys the commands of a release, and is killed before one of them."""

    containers: dict[str, Running] = field(default_factory=dict)
    drained: set[str] = field(default_factory=set)
    broken: frozenset[str] = frozenset()
    kill_after: int = 10**6
    made: list[str] = field(default_factory=list)
    host: Any = field(default_factory=lambda: SimpleNamespace(print_prefix="[app1] "))
    member: Any = field(default_factory=lambda: SimpleNamespace(name="app1"))

    def add(self, name: str, spec: str) -> None:
        identity = f"{len(self.made):02d}{spec[:10]}".ljust(64, "0")
        runs = not (spec in self.broken and "crash" in self.broken)
        self.containers[name] = Running(name, identity, spec, runs, False, 0, 3, "none", "", 10.0)

    def see(self, names: Any) -> Seen:
        found = {name: one for name, one in self.containers.items() if name in names}
        services, checks = {}, {}
        for name, one in found.items():
            if one.runs:
                services[name] = {"ID": name, "Service": "shop", "Meta": {MARK_CONTAINER: one.identity[:12]}}
            if one.spec in self.broken:
                checks[f"c{name}"] = {
                    "CheckID": "c",
                    "ServiceID": name,
                    "Name": "HTTP",
                    "Status": "critical",
                    "Output": "503",
                }
            if name in self.drained:
                mark = f"_service_maintenance:{name}"
                checks[mark] = {"CheckID": mark, "ServiceID": name, "Name": "M", "Status": "critical", "Notes": REASON}
        return Seen(found, services, checks)

    def run(self, command: str, _stdin: str = "") -> str:
        self._count(command)
        if name := re.search(r"docker run .*--name=(\S+)", command):
            spec = re.search(r"rollcall.spec=(\w+)", command)
            self.add(name[1], spec[1] if spec else "")
            return ""
        for part in re.split(r"&&|;|\|\|", command):
            words = [word for word in shlex.split(part) if not word.startswith((">", "2>", "-"))]
            match words[:3]:
                case ["docker", "stop", name] if name in self.containers:
                    self.containers[name] = replace(self.containers[name], runs=False)
                case ["docker", "start", name] | ["else", "docker", name] if name in self.containers:
                    self.containers[name] = replace(self.containers[name], runs=True)
                case ["docker", "rm", name]:
                    self.containers.pop(name, None)
                case ["docker", "rename", old]:
                    self.containers[words[3]] = replace(self.containers.pop(old), name=words[3])
                    self.drained.discard(old)
            if words[:3] == ["else", "docker", "start"]:
                self.containers[words[3]] = replace(self.containers[words[3]], runs=True)
        return "the last words\n" if command.startswith("docker logs") else ""

    def _count(self, what: str) -> None:
        if len(self.made) >= self.kill_after:
            raise Killed
        self.made.append(what)

    def set_maintenance(self, identities: Any, *, enable: bool) -> None:
        self._count(f"maintenance {enable} {identities}")
        (self.drained.update if enable else self.drained.difference_update)(identities)

    def drain(self, container: Running, _seen: Seen, _timeout: float) -> str:
        self.set_maintenance([container.name], enable=True)
        return ""

    def missing_at_fronts(self, _ports: Any) -> list[str]:
        return []

    @property
    def running(self) -> dict[str, str]:
        return {name: one.spec for name, one in self.containers.items() if one.runs}


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(release_module, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    yield


def go(host: FakeHost, wanted: Container | None, order: Order = "start-first") -> None:
    SlotRelease(host, Work("shop", "shop-1", wanted, 1, order, Release()))()  # type: ignore[arg-type]


def old_host(**more: Any) -> FakeHost:
    host = FakeHost(**more)
    host.add("shop-1", OLD.spec)
    return host


ORDERS: list[Order] = ["start-first", "stop-first"]


@pytest.mark.parametrize("order", ORDERS)
def test_a_release_killed_before_any_of_its_commands_is_finished_by_the_next(order: Order) -> None:
    whole = old_host()
    go(whole, NEW, order)
    assert whole.running == {"shop-1": NEW.spec}
    for commands in range(len(whole.made)):
        host = old_host(kill_after=commands)
        with pytest.raises(Killed):
            go(host, NEW, order)
        host.kill_after = 10**6
        go(host, NEW, order)
        assert host.running == {"shop-1": NEW.spec}, commands
        assert host.containers.keys() == {"shop-1"}
        assert not host.drained & host.containers.keys()


@pytest.mark.parametrize("order", ORDERS)
def test_a_release_killed_and_taken_back_ends_with_the_old_version(order: Order) -> None:
    whole = old_host()
    go(whole, NEW, order)
    for commands in range(len(whole.made)):
        host = old_host(kill_after=commands)
        with pytest.raises(Killed):
            go(host, NEW, order)
        host.kill_after = 10**6
        go(host, OLD, order)
        assert host.running == {"shop-1": OLD.spec}, commands
        assert host.containers.keys() == {"shop-1"}
        assert not host.drained & host.containers.keys()


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("how", ["crash", "never"])
def test_a_version_that_does_not_come_up_is_kept_and_the_old_one_serves(order: Order, how: str) -> None:
    host = old_host(broken=frozenset({NEW.spec, how}))
    with pytest.raises(NotServing) as why:
        go(host, NEW, order)
    assert ("its program exits (exit code 3)" if how == "crash" else "after 60 s HTTP is critical: 503") in str(
        why.value
    )
    assert "kept, stopped, as shop-failed. The old one serves." in str(why.value)
    assert host.running == {"shop-1": OLD.spec}
    assert host.containers["shop-failed"].spec == NEW.spec
    assert not host.drained & host.containers.keys()
    # The next one of a mended version goes on.
    go(host, Container("shop-1", "shop:3", "services"), order)
    assert len(host.running) == 1


def test_a_new_service_that_does_not_come_up_has_no_old_one() -> None:
    host = FakeHost(broken=frozenset({NEW.spec}))
    with pytest.raises(NotServing) as why:
        go(host, NEW)
    assert "The old one" not in str(why.value)
    assert host.running == {}


def test_what_is_no_longer_declared_is_drained_and_removed() -> None:
    host = old_host()
    host.add("shop-1-next", NEW.spec)
    go(host, None)
    assert host.containers == {}
