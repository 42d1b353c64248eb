"""Encrypt a backup in the age format, with a passphrase or an age key, by pyrage."""

from dataclasses import dataclass, field

import pyrage

from rollcall import waiting
from rollcall.errors import RollcallError

_IDENTITY, _RECIPIENT = "AGE-SECRET-KEY-", "age1"
_MAGIC = b"age-encryption.org/"
# In the header of a file that a passphrase opens.
_BY_PASSPHRASE = b"\n-> scrypt "
# pyrage makes the key as expensive as this machine works off in about a second, and opens none that it believes to take
# 16 times as long here; it measures that anew each time, so a machine that is busy for a moment refuses its own files.
_TOO_EXPENSIVE = "Excessive work parameter"
BUSY_SECONDS = 60.0
"""How long a machine that believes itself too slow for a passphrase is asked again."""


@dataclass(frozen=True)
class Passphrase:
    """A passphrase."""

    text: str = field(repr=False)


@dataclass(frozen=True)
class Keys:
    """The keys of an age key file: `recipients` encrypt, `identities` open, too."""

    recipients: tuple[str, ...]
    identities: tuple[str, ...] = field(repr=False)


Key = Passphrase | Keys


def keys(text: str, file: str) -> Keys:
    """Parse an age key file, as `age-keygen` writes it, or only its public keys.

    Raises:
        RollcallError: it holds no key, or a malformed line.
    """
    recipients, identities = [], []
    for number, line in enumerate(map(str.strip, text.splitlines()), 1):
        try:
            if line.startswith(_IDENTITY):
                identities.append(line)
                recipients.append(str(pyrage.x25519.Identity.from_str(line).to_public()))
            elif line.startswith(_RECIPIENT):
                recipients.append(str(pyrage.x25519.Recipient.from_str(line)))
            elif line and not line.startswith("#"):
                raise RollcallError(f"{file}:{number}: expected {_IDENTITY}… or {_RECIPIENT}…, as age-keygen writes")
        except (pyrage.IdentityError, pyrage.RecipientError) as problem:
            raise RollcallError(f"{file}:{number}: malformed age key ({problem})") from None
    if not recipients:
        raise RollcallError(f"{file}: got no age key; `age-keygen -o FILE` makes one")
    return Keys(tuple(dict.fromkeys(recipients)), tuple(identities))


def encrypt(data: bytes, key: Key) -> bytes:
    """Encrypt data for whoever has the key."""
    if isinstance(key, Passphrase):
        return bytes(pyrage.passphrase.encrypt(data, key.text))
    return bytes(pyrage.encrypt(data, [pyrage.x25519.Recipient.from_str(one) for one in key.recipients]))


def is_encrypted(data: bytes) -> bool:
    """Return whether data begins as an age file does."""
    return data.startswith(_MAGIC)


def needs_passphrase(data: bytes) -> bool:
    """Return whether a passphrase opens an age file."""
    return _BY_PASSPHRASE in data[:200]


def decrypt(data: bytes, key: Key, file: str) -> bytes:
    """Decrypt a backup.

    Raises:
        RollcallError: it is no age file, it was changed or cut, or the key does not open it.
    """
    if not is_encrypted(data):
        raise RollcallError(f"{file}: not a backup of Rollcall; expected a file that `rollcall backup` wrote")
    by_passphrase = needs_passphrase(data)
    if by_passphrase != isinstance(key, Passphrase):
        raise RollcallError(f"{file}: {'a passphrase' if by_passphrase else 'an age key (--key FILE)'} opens it")
    try:
        if isinstance(key, Passphrase):
            return _by_passphrase(data, key, file)
        if not key.identities:
            raise RollcallError(f"{file}: a public key opens nothing; expected the key file with {_IDENTITY}…")
        return bytes(pyrage.decrypt(data, [pyrage.x25519.Identity.from_str(one) for one in key.identities]))
    except pyrage.DecryptError as problem:
        what = "passphrase" if by_passphrase else "key"
        raise RollcallError(f"{file}: another {what} opens it, or the file is damaged ({problem})") from None


def _by_passphrase(data: bytes, key: Passphrase, file: str) -> bytes:
    opened: list[bytes] = []

    def is_decided() -> bool:
        try:
            opened.append(bytes(pyrage.passphrase.decrypt(data, key.text)))
        except pyrage.DecryptError as problem:
            if _TOO_EXPENSIVE in str(problem):
                return False
            raise
        return True

    if not waiting.until(is_decided, BUSY_SECONDS):
        raise RollcallError(
            f"{file}: this machine is far slower than the one that encrypted it, or very busy, so that its passphrase "
            "would take minutes; try again, or on a faster machine (a backup with --key FILE opens anywhere)"
        )
    return opened[0]
