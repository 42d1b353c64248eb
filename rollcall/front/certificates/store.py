"""Keep the certificates that nginx reads on the volume, each under the digest of its content.

nginx reads exactly what it checked: a certificate that changes is another file, and another generation.
"""

import hashlib
import os
import re
import ssl
from pathlib import Path

_NAME = re.compile(r"[0-9a-f]{64}\.pem")


class UnusableError(Exception):
    """A certificate cannot be served; the text gives the reason."""


class Store:
    """The directory with the certificates, private to nginx's user."""

    def __init__(self, folder: Path) -> None:
        """Use this directory, which is made when it is needed."""
        self.folder = folder
        self._seen: dict[tuple[Path, Path], tuple[tuple[int, ...], Path]] = {}

    def kept(self, certificate: Path, key: Path) -> Path:
        """Return the path of a copy: certificate and key in one file.

        Raises:
            UnusableError: a file cannot be read, or the key does not belong to the certificate.
        """
        try:
            stamp = (*_stamp(certificate), *_stamp(key))
            seen = self._seen.get((certificate, key))
            if seen and seen[0] == stamp and seen[1].exists():
                return seen[1]
            text = certificate.read_bytes()
            text = text if key == certificate else text.rstrip() + b"\n" + key.read_bytes()
            kept = self._written(text)
        except OSError as error:
            # ssl.SSLError is one, too, with a text of its own.
            raise UnusableError(f"{error.filename or certificate}: {error.strerror or error}") from error
        self._seen[certificate, key] = stamp, kept
        return kept

    def _written(self, text: bytes) -> Path:
        path = self.folder / f"{hashlib.sha256(text).hexdigest()}.pem"
        if path.exists():
            return path
        self.folder.mkdir(mode=0o700, exist_ok=True)
        following = path.with_suffix(".new")
        with os.fdopen(os.open(following, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(text)
        try:
            # As nginx would: it refuses everything for one key that does not belong to its certificate.
            ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(following, password="")
        except ssl.SSLError as error:
            following.unlink()
            reason = "the key does not belong to the certificate" if error.reason == "KEY_VALUES_MISMATCH" else error
            raise UnusableError(str(reason)) from error
        following.rename(path)
        return path

    def keep_only(self, configuration: str) -> None:
        """Remove every file that this configuration of nginx does not name."""
        used = set(_NAME.findall(configuration))
        for path in self.folder.glob("*"):
            if path.name not in used:
                path.unlink(missing_ok=True)


def _stamp(path: Path) -> tuple[int, int, int]:
    found = path.stat()
    return found.st_mtime_ns, found.st_size, found.st_ino
