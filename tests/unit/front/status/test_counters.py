"""Requests and errors by server, from the lines nginx writes."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rollcall.front.status import counters
from rollcall.front.status.counters import Counters, tally
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
    counted = Counters(log)
    counted.read()
    assert counted.counts == {}
    add(log, f"{A}|200|0.5\n" * 3)
    counted.read()
    counted.read()
    assert counted.counts == {A: Counts(3, 0, 1.5)}
    add(log, f"{A}|500|0.5\n{B}|200|0.5\n")
    counted.read()
    assert counted.counts == {A: Counts(4, 1, 2.0), B: Counts(1, 0, 0.5)}


def test_an_incomplete_line_waits_for_its_end(log: Path) -> None:
    counted = Counters(log)
    add(log, f"{A}|20")
    counted.read()
    assert counted.counts == {}
    add(log, "0|0.5\n")
    counted.read()
    assert counted.counts == {A: Counts(1, 0, 0.5)}


def test_counted_lines_are_freed_without_a_loss(log: Path) -> None:
    counted = Counters(log)
    with log.open("a") as nginx:
        for _ in range(20):
            nginx.write(f"{A}|200|0.001\n" * 10_000)
            nginx.flush()
            counted.read()
            # A whole page at the end is not freed, nor is what the file system keeps of the file itself.
            assert log.stat().st_blocks * 512 <= 64 * 1024
    assert counted.counts[A].requests == 200_000


def test_a_new_file_is_read_from_its_start(log: Path) -> None:
    counted = Counters(log)
    add(log, f"{A}|200|0.5\n" * 10)
    counted.read()
    log.unlink()
    add(log, f"{A}|200|0.5\n")
    counted.read()
    assert counted.counts[A].requests == 11


def test_servers_unused_for_longest_are_dropped(log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counters, "SERVERS", 2)
    counted = Counters(log)
    for server in ("a:1", "b:1", "a:1", "c:1"):
        add(log, f"{server}|200|0.5\n")
        counted.read()
    assert set(counted.counts) == {"a:1", "c:1"}


def test_an_unreadable_file_is_an_error(log: Path) -> None:
    os.mkfifo(log)
    with pytest.raises(OSError, match=r"."):
        Counters(log).read()


@given(st.lists(st.sampled_from([f"{A}|200|0.5", f"{A}, {B}|502, 200|0.25, 0.5", f"{B}|200|40|30", "garbage"])))
def test_equal_lines_count_as_often_as_they_stand_there(lines: list[str]) -> None:
    whole = tally(lines)
    for server in (A, B):
        alone = [one[server] for line in lines if server in (one := tally([line]))]
        assert whole.get(server, Counts()) == sum_of(alone)


def sum_of(counts: list[Counts]) -> Counts:
    """Half and quarter seconds add up without an error of rounding."""
    fields = zip(*((one.requests, one.errors, one.seconds, one.received, one.sent) for one in counts), strict=True)
    return Counts(*(sum(field) for field in fields))
