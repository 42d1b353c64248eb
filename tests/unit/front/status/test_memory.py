"""What the front takes into its memory each second."""

from pathlib import Path

import pytest
from front_sight import instance, sight

from rollcall.front.inputs.catalog import Catalog
from rollcall.front.inputs.cluster import Cluster
from rollcall.front.routing.model import Routing, Server, Upstream
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
    assert found.totals.counts[one.counted_as].requests == 20
    assert [noted.change.subject for noted in found.changes.newest()] == ["app1/db-1"]


def test_a_second_in_which_nothing_changed_compares_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, cluster, looks = sight(), Cluster(), []
    monkeypatch.setattr(memory, "state", lambda *given: looks.append(given))
    monkeypatch.setattr("rollcall.front.status.changes.Changes.see", lambda *given: None)
    found = Memory(tmp_path / "counted.log")
    for _ in range(5):
        found.take(whole.routing, whole.catalog, (), cluster)
    assert len(looks) == 1


def test_lines_are_counted_for_whoever_had_the_address_until_now(tmp_path: Path) -> None:
    """As a restart of Docker gives a container's address to the next one within a second."""
    log, cluster = tmp_path / "counted.log", Cluster()
    first, second = instance("nginx-1"), instance("shop-1", service="shop-80", port=instance("nginx-1").port)
    found = Memory(log)
    for one, requests in ((first, 3), (second, 5), (second, 7)):
        routing = Routing((), (Upstream("one", (Server(one, 1),), (one.service,)),))
        log.open("a").write(f"{one.endpoint}|200|0.010\n" * requests)
        found.take(routing, Catalog((one,)), (), cluster)
    # Nobody had it before the first; the lines beside the change are of the first.
    assert found.totals.counts[first.counted_as].requests == 3 + 5
    assert found.totals.counts[second.counted_as].requests == 7
