"""Consul's snapshots, whole or not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshots import consuls

from rollcall.backup.snapshot import read
from rollcall.errors import RollcallError


def test_a_whole_one_has_its_index() -> None:
    assert read(consuls(index=7), "here").index == 7


@given(st.integers(0, len(consuls()) - 1))
def test_one_that_was_cut_anywhere_is_refused(length: int) -> None:
    with pytest.raises(RollcallError, match=r"here: the snapshot of Consul is (damaged|incomplete)"):
        read(consuls()[:length], "here")


@pytest.mark.parametrize("changed", [{"later_state": b"another state"}, {"meta": b'{"Index": 9}'}])
def test_a_changed_file_in_it_is_found(changed: dict[str, bytes]) -> None:
    with pytest.raises(RollcallError, match=r"the digest of .* differs"):
        read(consuls(**changed), "here")
