"""Encrypt what goes into Consul's store: AES-256-GCM, bound to its key there so that no value passes for another."""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from rollcall.contract import acme_keys

_NONCE_BYTES = 12


class SealedError(Exception):
    """A value cannot be decrypted: another key encrypted it, or it was changed."""


class Sealer:
    """Encrypt with the fleet's key, 32 bytes in base64; decrypt with it or, during its rotation, another one."""

    def __init__(self, key: str, *others: str) -> None:
        """Read the keys. Raises ValueError: one is not a key."""
        self._ciphers = tuple(AESGCM(base64.b64decode(each, validate=True)) for each in (key, *others))
        self.fingerprint = acme_keys.fingerprint(key)

    def seal(self, name: str, text: str) -> bytes:
        """Encrypt the value of one of Consul's keys."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._ciphers[0].encrypt(nonce, text.encode(), name.encode()))

    def open(self, name: str, value: bytes) -> str:
        """Decrypt the value of one of Consul's keys.

        Raises:
            SealedError: it was not encrypted with one of these keys for this name.
        """
        return self._opened(name, value)[1]

    def is_newest(self, name: str, value: bytes) -> bool:
        """Whether the key that encrypts encrypted this value. Raises as `open` does."""
        return self._opened(name, value)[0] == 0

    def _opened(self, name: str, value: bytes) -> tuple[int, str]:
        for number, cipher in enumerate(self._ciphers):
            try:
                raw = base64.b64decode(value, validate=True)
                return number, cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode()).decode()
            except (binascii.Error, ValueError, InvalidTag):
                continue
        raise SealedError(f"cannot decrypt Consul's key {name}: another key encrypted it")
