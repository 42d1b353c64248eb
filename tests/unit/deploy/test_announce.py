"""What a deploy prints of its changes: each once, and nothing about an image that it has brought meanwhile."""

from types import SimpleNamespace

import pytest

from rollcall.converge.changes import Change
from rollcall.converge.container_plan import UNKNOWN_IMAGE
from rollcall.converge.resources import Volume
from rollcall.deploy import operations

CHANGE = Change("replace", Volume("data"), remark="start-first", unknown=UNKNOWN_IMAGE)


@pytest.fixture
def printed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    lines: list[str] = []
    monkeypatch.setattr(operations, "host", SimpleNamespace(name="app1", print_prefix="[app1] "))
    monkeypatch.setattr(operations, "logger", SimpleNamespace(info=lines.append))
    monkeypatch.setattr(operations, "_announced", set())
    return lines


def at(monkeypatch: pytest.MonkeyPatch, *, execution: bool) -> None:
    monkeypatch.setattr(operations, "run", SimpleNamespace(is_executing=execution))


def test_before_the_images_come_it_says_what_is_unknown_of_them(
    printed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    at(monkeypatch, execution=False)
    operations.announce([CHANGE, "push image a"])
    assert printed == [f"[app1] replace volume data (start-first; {UNKNOWN_IMAGE})", "[app1] push image a"]
    at(monkeypatch, execution=True)
    operations.announce([CHANGE, "push image a"])
    assert len(printed) == 2


def test_a_host_that_has_its_images_lacks_none(printed: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    at(monkeypatch, execution=True)
    operations.announce([CHANGE, CHANGE])
    assert printed == ["[app1] replace volume data (start-first)"]
