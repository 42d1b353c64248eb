"""Lists of users for the policy basic_auth: one secret of the fleet each, with a line NAME:PASSWORD for each user."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterator

import bcrypt

# nginx computes the hash for each request, and serves nobody else meanwhile: 3 ms of a busy machine's.
COST = 5
# bcrypt ignores what is longer.
LONGEST = 72
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}", re.ASCII)
_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_BCRYPT = b"./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_TO_BCRYPT = bytes.maketrans(_STANDARD, _BCRYPT)


def fault(value: str) -> str:
    """Return what is wrong with a list, without a password; "" if nothing is."""
    names = []
    for number, line in _lines(value):
        name, colon, password = line.partition(":")
        if not colon or not _NAME.fullmatch(name) or not password.isprintable():
            return f"line {number} is not NAME:PASSWORD, the name of letters, digits and ._@-"
        if not 0 < len(password.encode()) <= LONGEST:
            return f"line {number} has a password of {len(password.encode())} bytes; expected 1 to {LONGEST}"
        names.append(name)
    if not names:
        return "it has no line"
    return "" if len(names) == len(set(names)) else "it has a name twice"


def hashed(value: str, key: bytes) -> str:
    """Return a list as nginx reads it. The same list always has the same hashes, so that a deploy changes nothing.

    Args:
        value: the lines NAME:PASSWORD.
        key: the fleet's key for salts.
    """
    return "".join(f"{name}:{_hash(name, password, key)}\n" for name, password in _users(value))


def _users(value: str) -> Iterator[tuple[str, str]]:
    for _, line in _lines(value):
        name, _, password = line.partition(":")
        yield name, password


def _lines(value: str) -> Iterator[tuple[int, str]]:
    return ((number, line) for number, line in enumerate(value.splitlines(), 1) if line.strip())


def _hash(name: str, password: str, key: bytes) -> str:
    digest = hmac.new(key, f"{name}:{password}".encode(), hashlib.sha256).digest()[:16]
    salt = base64.b64encode(digest).rstrip(b"=").translate(_TO_BCRYPT)
    return bcrypt.hashpw(password.encode(), b"$2b$%02d$%b" % (COST, salt)).decode()
