"""Backups in the age format: who has the key reads them, anybody else gets one sentence."""

import re

import pyrage
import pytest

from rollcall.backup import encryption
from rollcall.backup.encryption import Keys, Passphrase, decrypt, encrypt, keys
from rollcall.errors import RollcallError

DATA = b"the fleet's secrets"
SESAME = Passphrase("open sesame")


@pytest.fixture(scope="module")
def own() -> Keys:
    return keys(f"# created: today\n{pyrage.x25519.Identity.generate()}\n", "key.txt")


def test_a_key_file_encrypts_and_opens(own: Keys) -> None:
    sealed = encrypt(DATA, own)
    assert DATA not in sealed
    assert decrypt(sealed, own, "b.age") == DATA
    assert str(own.identities[0]) not in repr(own)


def test_public_keys_encrypt_and_open_nothing(own: Keys) -> None:
    public = keys("\n".join(own.recipients), "keys.pub")
    assert decrypt(encrypt(DATA, public), own, "b.age") == DATA
    with pytest.raises(RollcallError, match="a public key opens nothing"):
        decrypt(encrypt(DATA, public), public, "b.age")


@pytest.fixture(scope="module")
def sealed() -> bytes:
    return encrypt(DATA, SESAME)


@pytest.fixture(scope="module")
def too_expensive(sealed: bytes) -> bytes:
    """A backup whose passphrase takes longer than this machine may."""
    return re.sub(rb"(-> scrypt \S+) \d+\n", rb"\1 40\n", sealed)


def test_a_passphrase_encrypts_and_opens_and_another_does_not(own: Keys, sealed: bytes) -> None:
    assert decrypt(sealed, SESAME, "b.age") == DATA
    with pytest.raises(RollcallError, match=r"b\.age: another passphrase opens it"):
        decrypt(sealed, Passphrase("close sesame"), "b.age")
    with pytest.raises(RollcallError, match=r"b\.age: a passphrase opens it"):
        decrypt(sealed, own, "b.age")
    assert "sesame" not in repr(SESAME)


def test_a_machine_that_is_busy_for_a_moment_opens_its_own_backup(
    sealed: bytes, too_expensive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured, decrypt_once = iter([too_expensive, too_expensive, sealed]), pyrage.passphrase.decrypt
    monkeypatch.setattr(pyrage.passphrase, "decrypt", lambda _, text: decrypt_once(next(measured), text))
    assert decrypt(sealed, SESAME, "b.age") == DATA


def test_a_machine_that_is_too_slow_for_a_passphrase_says_so(
    too_expensive: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(encryption, "BUSY_SECONDS", 0.2)
    with pytest.raises(RollcallError, match="far slower than the one that encrypted it, or very busy"):
        decrypt(too_expensive, SESAME, "b.age")


def test_another_key_a_cut_file_and_a_foreign_one_are_refused(own: Keys) -> None:
    sealed = encrypt(DATA, own)
    other = keys(str(pyrage.x25519.Identity.generate()), "other.txt")
    with pytest.raises(RollcallError, match="another key opens it"):
        decrypt(sealed, other, "b.age")
    with pytest.raises(RollcallError, match="or the file is damaged"):
        decrypt(sealed[:-3], own, "b.age")
    with pytest.raises(RollcallError, match=r"an age key \(--key FILE\) opens it"):
        decrypt(sealed, Passphrase("x"), "b.age")
    with pytest.raises(RollcallError, match="not a backup of Rollcall"):
        decrypt(b"PK\x03\x04", own, "b.age")


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("", "got no age key"),
        ("AGE-SECRET-KEY-1X\n", "k:1: malformed age key"),
        ("\nssh-ed25519 AAAA\n", "k:2: expected"),
    ],
)
def test_a_malformed_key_file_is_located(text: str, sentence: str) -> None:
    with pytest.raises(RollcallError, match=sentence):
        keys(text, "k")
