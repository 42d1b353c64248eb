"""Nodes that are left out of a snapshot's catalog; everything else stays byte for byte."""

import gzip
import io
import json
import tarfile
from typing import Any

import msgpack
import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshots import consuls

from rollcall.backup.catalog_records import nodes, without
from rollcall.backup.snapshot import META, STATE, Snapshot, read
from rollcall.errors import RollcallError

HEADER = msgpack.packb({"LastIndex": 41})
REGISTRATION, KEY, COORDINATES = 0, 2, 6


def record(kind: int, content: Any) -> bytes:
    return bytes([kind]) + msgpack.packb(content)


def node(name: str, **more: Any) -> bytes:
    return record(REGISTRATION, {"Node": name, "ID": f"id-{name}", "Service": None, "Check": None, **more})


def key(name: str) -> bytes:
    return record(KEY, {"Key": name, "Value": b"\x00\xff", "Flags": 2**63})


def snapshot(*records: bytes) -> Snapshot:
    return read(consuls(state=HEADER + b"".join(records)), "here")


def files(found: Snapshot) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(found.data))) as archive:
        return {one.name: file.read() for one in archive if (file := archive.extractfile(one))}


RECORDS = st.lists(st.sampled_from([node("a"), node("a", Service={"ID": "x"}), node("b"), key("k"), key("l" * 70)]))


@given(RECORDS)
def test_exactly_the_records_of_the_nodes_are_left_out(records: list[bytes]) -> None:
    found = snapshot(*records)
    less = without(found, ["a"])
    assert files(less)[STATE] == HEADER + b"".join(one for one in records if b"id-a" not in one)
    assert json.loads(files(less)[META])["Size"] == len(files(less)[STATE])
    assert read(less.data, "here").index == found.index
    assert "a" not in nodes(less)


def test_the_ids_are_those_of_the_nodes() -> None:
    assert nodes(snapshot(node("a"), key("k"), node("b", Check={"CheckID": "c"}))) == {"a": "id-a", "b": "id-b"}


def test_without_a_node_to_leave_out_it_is_the_same() -> None:
    found = snapshot(node("a"))
    assert without(found, []) is found


def test_coordinates_go_with_the_nodes() -> None:
    assert files(without(snapshot(node("a"), record(COORDINATES, [{"Node": "a"}])), ["a"]))[STATE] == HEADER


@pytest.mark.parametrize("state", [HEADER + b"\x00\xc1", HEADER + node("a")[:-1], b"\xc1"])
def test_another_form_is_one_sentence(state: bytes) -> None:
    with pytest.raises(RollcallError, match="the nodes in the snapshot of Consul cannot be read"):
        nodes(read(consuls(state=state), "here"))
