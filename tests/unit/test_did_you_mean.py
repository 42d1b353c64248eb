"""What a mistyped name is taken for, and what it is not taken for."""

import pytest

from rollcall.did_you_mean import near_name


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("lba", "lab"),
        ("servers", "consul_servers"),
        ("statsu", "status"),
        ("imagge", "image"),
        ("frobnicate", ""),
        ("blue", ""),
    ],
)
def test_two_thirds_of_a_name_tell_it(given: str, meant: str) -> None:
    assert near_name(given, ["lab", "consul_servers", "status", "image", "rotate"]) == meant
