"""What the front takes into its memory each second."""

from pathlib import Path

import pytest
from front_sight import instance, sight

from rollcall.front.inputs.catalog import Catalog
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.status import memory
from rollcall.front.status.memory import Memory


def test_requests_and_changes_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1000.0]
    monkeypatch.setattr("time.monotonic", lambda: clock[0])
    log, whole, cluster = tmp_path / "counted.log", sight(), Cluster()
    one = instance("nginx-1")
    found = Memory(log)
    found.take(whole.routing, whole.catalog, (), cluster)
    log.write_text(f"{one.endpoint}|200|0.010\n" * 20)
    more = Catalog((*whole.catalog.instances, instance("db-1", service="db")))
    found.take(whole.routing, more, (), cluster)
    clock[0] += 10
    assert found.series()["nginx-80"].rates[-1] == 2.0
    assert found.counters.counts[one.endpoint].requests == 20
    assert [noted.change.subject for noted in found.changes.newest()] == ["app1/db-1"]


def test_a_second_in_which_nothing_changed_compares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cluster, looks = sight(), Cluster(), []
    monkeypatch.setattr(memory, "state", lambda *given: looks.append(given))
    monkeypatch.setattr("rollcall.front.status.changes.Changes.see", lambda *given: None)
    found = Memory(tmp_path / "counted.log")
    for _ in range(5):
        found.take(whole.routing, whole.catalog, (), cluster)
    assert len(looks) == 1
