"""Requests and errors by server, from the lines nginx writes, and by the instances that they belong to."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.contract.service_protocol import MARK_CONTAINER
from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.model import Server, Upstream
from rollcall.front.status import counters
from rollcall.front.status.counters import CountedLog, Totals, stranded, tally
from rollcall.front.status.document import Counts

A, B = "10.77.0.5:20001", "10.77.0.6:20001"


@pytest.mark.parametrize(
    ("line", "counts"),
    [
        (f"{A}|200|0.010", {A: Counts(1, 0, 0.010)}),
        (f"{A}|404|0.010", {A: Counts(1, 0, 0.010)}),
        (f"{A}|503|0.010", {A: Counts(1, 1, 0.010)}),
        (f"{A}|101|3600.000", {A: Counts(1, 0, 0.0)}),
        (f"{A}|-|1.000", {A: Counts(1, 1, 1.0)}),
        (f"{A}|-|-", {A: Counts(1, 1, 0.0)}),
        (f"{A}, {B}|502, 200|0.001, 0.020", {A: Counts(1, 1, 0.001), B: Counts(1, 0, 0.020)}),
        (f"{A}, {A}|502, 200|0.5, 0.25", {A: Counts(2, 1, 0.75)}),
        (f"{A} : {B}|200 : 500|0.001 : 0.002", {A: Counts(1, 0, 0.001), B: Counts(1, 1, 0.002)}),
        ("[2001:db8::1]:80|200|0.010", {"[2001:db8::1]:80": Counts(1, 0, 0.010)}),
        # nobody was asked: a redirect, a maintenance page, an upstream in which nobody was left
        ("-|-|-", {}),
        ("backends|502|0.000", {}),
        (f"{A}, backends|502, 502|0.001, 0.000", {A: Counts(1, 1, 0.001)}),
        # connections of a stream: only the last server of several got it
        (f"{A}|200|40|30", {A: Counts(1, 0, 0.0, 30, 40)}),
        (f"{A}|502|0|0", {A: Counts(1, 1, 0.0)}),
        (f"{A}, {B}|200|40|30", {A: Counts(1, 1, 0.0), B: Counts(1, 0, 0.0, 30, 40)}),
        ("-|403|0|0", {}),
        ("db-5432.tcp|502|0|0", {}),
        (f"{A}|200|40|many", {}),
        # no line of ours
        ("", {}),
        ("garbage", {}),
        (f"{A}|200|soon", {}),
    ],
)
def test_each_line_is_counted(line: str, counts: dict[str, Counts]) -> None:
    assert tally([line]) == counts


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "counted.log"


def add(log: Path, text: str) -> None:
    with log.open("a") as file:
        file.write(text)


def test_only_new_lines_are_counted(log: Path) -> None:
    counted = CountedLog(log)
    assert counted.read() == {}
    add(log, f"{A}|200|0.5\n" * 3)
    assert counted.read() == {A: Counts(3, 0, 1.5)}
    assert counted.read() == {}
    add(log, f"{A}|500|0.5\n{B}|200|0.5\n")
    assert counted.read() == {A: Counts(1, 1, 0.5), B: Counts(1, 0, 0.5)}


def test_an_incomplete_line_waits_for_its_end(log: Path) -> None:
    counted = CountedLog(log)
    add(log, f"{A}|20")
    assert counted.read() == {}
    add(log, "0|0.5\n")
    assert counted.read() == {A: Counts(1, 0, 0.5)}


def test_counted_lines_are_freed_without_a_loss(log: Path) -> None:
    counted = CountedLog(log)
    requests = 0
    with log.open("a") as nginx:
        for _ in range(20):
            nginx.write(f"{A}|200|0.001\n" * 10_000)
            nginx.flush()
            requests += counted.read()[A].requests
            # A whole page at the end is not freed, nor is what the file system keeps of the file itself.
            assert log.stat().st_blocks * 512 <= 64 * 1024
    assert requests == 200_000


def test_a_new_file_is_read_from_its_start(log: Path) -> None:
    counted = CountedLog(log)
    add(log, f"{A}|200|0.5\n" * 10)
    assert counted.read()[A].requests == 10
    log.unlink()
    add(log, f"{A}|200|0.5\n")
    assert counted.read()[A].requests == 1


def test_an_unreadable_file_is_an_error(log: Path) -> None:
    os.mkfifo(log)
    with pytest.raises(OSError, match=r"."):
        CountedLog(log).read()


@given(st.lists(st.sampled_from([f"{A}|200|0.5", f"{A}, {B}|502, 200|0.25, 0.5", f"{B}|200|40|30", "garbage"])))
def test_equal_lines_count_as_often_as_they_stand_there(lines: list[str]) -> None:
    """Half and quarter seconds add up without an error of rounding."""
    whole = tally(lines)
    for server in (A, B):
        alone = [one[server] for line in lines if server in (one := tally([line]))]
        assert whole.get(server, Counts()) == sum(alone, Counts())


def upstream(*instances: Instance) -> Upstream:
    return Upstream("web-80.http", tuple(Server(one, 1) for one in instances), ("web-80",))


def web(container: str, name: str = "web-1", port: int = 20001, service: str = "web-80") -> Instance:
    meta = ((MARK_CONTAINER, container),) if container else ()
    return Instance(service, f"app1:{name}:80", "app1", "10.77.0.5", port, meta=meta)


def test_a_container_that_gets_the_address_of_another_one_begins_with_nothing() -> None:
    totals, first, second = Totals(), web("aaa"), web("bbb", "shop-1", service="shop-80")
    totals.serves((upstream(first),))
    assert totals.add({A: Counts(10, 1, 0.5)}) == {"web-80": Counts(10, 1, 0.5)}
    totals.serves((upstream(second),))
    assert second.counted_as not in totals.counts
    assert totals.add({A: Counts(2)}) == {"shop-80": Counts(2)}
    assert totals.counts == {first.counted_as: Counts(10, 1, 0.5), second.counted_as: Counts(2)}


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        # the same container under another name, after a release, and at another address, after a restart
        (web("aaa", "web-1-next"), web("aaa", "web-1"), True),
        (web("aaa"), web("aaa", port=20002), True),
        # another container of the same name
        (web("aaa"), web("bbb"), False),
        (web("aaa"), replace(web("aaa"), node="app2"), False),
        (web("aaa"), replace(web("aaa"), identity="app1:web-1:443"), False),
        # an id of one's own, and another tool's
        (replace(web("aaa"), identity="web"), replace(web("bbb"), identity="web"), False),
        (replace(web("aaa"), identity="web"), replace(web("aaa"), identity="admin"), False),
        (web(""), web("", port=20002), True),
        (web("", "web-1"), web("", "web-2"), False),
    ],
)
def test_counts_belong_to_a_container(one: Instance, other: Instance, same: bool) -> None:
    assert (one.counted_as == other.counted_as) is same


def test_one_that_left_still_finishes_requests() -> None:
    totals = Totals()
    totals.serves((upstream(web("aaa")),))
    totals.serves((upstream(web("bbb", port=20002)),))
    assert totals.add({A: Counts(1)}) == {"web-80": Counts(1)}


def test_a_container_of_two_services_counts_for_both_and_only_once_for_each() -> None:
    totals, one, other = Totals(), web("aaa"), replace(web("aaa"), identity="alias", service="alias")
    totals.serves((upstream(one), upstream(one), upstream(other)))
    assert totals.add({A: Counts(1), B: Counts(1)}) == {"web-80": Counts(1), "alias": Counts(1)}
    assert totals.counts == {one.counted_as: Counts(1), other.counted_as: Counts(1)}
    assert totals.knows(A) and not totals.knows(B)


def test_instances_unused_for_longest_are_dropped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "INSTANCES", 2)
    totals, each = Totals(), [web("a", port=1), web("b", port=2), web("c", port=3)]
    for number in (0, 1, 0, 2):
        totals.serves((upstream(each[number]),))
        totals.add({each[number].endpoint: Counts(1)})
    assert totals.counts == {each[0].counted_as: Counts(2), each[2].counted_as: Counts(1)}
    assert not totals.knows(each[1].endpoint)


@pytest.mark.parametrize(
    ("line", "names"),
    [
        ("backends|502|0.000", {"backends"}),
        (f"{A}, backends|502, 502|0.001, 0.000", {"backends"}),
        (f"{A} : sign-in|200 : 502|0.001 : 0.000", {"sign-in"}),
        ("db-5432.tcp|502|0|0", {"db-5432.tcp"}),
        (f"{A}|502|0.001", set()),
        (f"{A}, {B}|502, 200|0.001, 0.002", set()),
        ("[2001:db8::1]:80|502|0.010", set()),
        ("-|-|-", set()),
        ("", set()),
        ("garbage", set()),
    ],
)
def test_an_upstream_of_which_nothing_was_left_is_named(line: str, names: set[str]) -> None:
    assert stranded([line]) == names


def test_what_was_stranded_is_that_of_the_last_read(log: Path) -> None:
    counted = CountedLog(log)
    add(log, f"backends|502|0.000\n{A}|200|0.001\n")
    counted.read()
    assert counted.stranded == {"backends"}
    counted.read()
    assert counted.stranded == set()
