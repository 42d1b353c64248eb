"""Encrypt what goes into Consul's store: AES-256-GCM, bound to its key there so that no value passes for another."""

import base64
import binascii
import os

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

_NONCE_BYTES = 12


class SealedError(Exception):
    """A value cannot be decrypted: another key encrypted it, or it was changed."""


class Sealer:
    """Encrypt and decrypt with the fleet's key, 32 bytes in base64."""

    def __init__(self, key: str) -> None:
        """Read the key. Raises ValueError: it is not one."""
        self._cipher = AESGCM(base64.b64decode(key, validate=True))

    def seal(self, name: str, text: str) -> bytes:
        """Encrypt the value of one of Consul's keys."""
        nonce = os.urandom(_NONCE_BYTES)
        return base64.b64encode(nonce + self._cipher.encrypt(nonce, text.encode(), name.encode()))

    def open(self, name: str, value: bytes) -> str:
        """Decrypt the value of one of Consul's keys.

        Raises:
            SealedError: it was not encrypted with this key for this name.
        """
        try:
            raw = base64.b64decode(value, validate=True)
            return self._cipher.decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], name.encode()).decode()
        except (binascii.Error, ValueError, InvalidTag) as error:
            raise SealedError(f"cannot decrypt Consul's key {name}: another key encrypted it") from error
