"""Whose secrets a fleet has after a restore."""

import pytest
from snapshots import backup

from rollcall.backup.adoption import adopts
from rollcall.errors import RollcallError
from rollcall.secrets.identity import Identity

SAVED, OTHER = Identity("f1", 2), Identity("f2", 0)
BACKUP = backup("f1", 2)


@pytest.mark.parametrize(
    ("own", "hosts", "expected"),
    [
        (None, {}, True),
        (None, {"app1": SAVED}, True),
        (None, {"app1": Identity("f1", 1)}, True),
        (SAVED, {}, False),
        (SAVED, {"app1": SAVED}, False),
        (Identity("f1", 3), {"app1": Identity("f1", 3)}, False),
        (OTHER, {}, False),
        (OTHER, {"app1": OTHER}, False),
    ],
)
def test_a_fleets_own_secrets_stay_and_lost_ones_come_back(
    own: Identity | None, hosts: dict[str, Identity], expected: bool
) -> None:
    assert adopts(BACKUP, own, hosts, ".secrets/lab") == expected


@pytest.mark.parametrize(
    ("own", "host", "sentence"),
    [
        (OTHER, SAVED, "move .secrets/lab away"),
        (OTHER, Identity("f3", 0), "neither in .secrets/lab nor in this backup"),
        (None, OTHER, "neither in .secrets/lab nor in this backup"),
        (None, Identity("f1", 3), "rotated 3 times, those of the backup 2 times"),
    ],
)
def test_a_host_with_unknown_secrets_is_left_alone(own: Identity | None, host: Identity, sentence: str) -> None:
    with pytest.raises(RollcallError, match=sentence):
        adopts(BACKUP, own, {"app1": host}, ".secrets/lab")
