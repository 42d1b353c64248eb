"""What goes into Consul's store is encrypted, and bound to its key there."""

import base64
import os

import pytest

from rollcall.acme.sealed import SealedError, Sealer


def key() -> str:
    return base64.b64encode(os.urandom(32)).decode()


def test_what_was_sealed_is_opened_under_the_same_name_and_key_only() -> None:
    sealer = Sealer(key())
    value = sealer.seal("certificates/a", "PRIVATE")
    assert b"PRIVATE" not in value and b"PRIVATE" not in base64.b64decode(value)
    assert sealer.open("certificates/a", value) == "PRIVATE"
    for other, name in ((sealer, "certificates/b"), (Sealer(key()), "certificates/a")):
        with pytest.raises(SealedError):
            other.open(name, value)


@pytest.mark.parametrize("value", [b"", b"x", b"!!", b"AAAA", b"A" * 88])
def test_anything_else_is_refused(value: bytes) -> None:
    with pytest.raises(SealedError):
        Sealer(key()).open("a", value)


def test_a_bad_key_is_refused() -> None:
    with pytest.raises(ValueError):
        Sealer("short")


def test_during_a_rotation_both_keys_are_read_and_the_first_one_encrypts() -> None:
    old, new = key(), key()
    value = Sealer(old).seal("a", "PRIVATE")
    both = Sealer(new, old)
    assert both.open("a", value) == "PRIVATE" and not both.is_newest("a", value)
    again = both.seal("a", both.open("a", value))
    assert Sealer(new).open("a", again) == "PRIVATE" and both.is_newest("a", again)
