"""TLS contexts from files that the environment names. They are read once, at the start."""

import ssl
from pathlib import Path

from rollcall.registrator.flags import UsageError


def client_context(authority: str, certificate: str, key: str, *, setting: str) -> ssl.SSLContext:
    """Trust the authority's certificates ("": the system's), and present a certificate if one is given.

    Raises UsageError, which names `setting`, for a file that is missing or is not PEM.
    """
    try:
        context = ssl.create_default_context(cafile=_readable(authority, setting) if authority else None)
    except ssl.SSLError:
        raise UsageError(f"{setting}: {authority} holds no valid certificate; expected a PEM file") from None
    if certificate:
        for path in (certificate, key):
            _readable(path, setting)
        try:
            # Without a password OpenSSL would prompt for that of an encrypted key.
            context.load_cert_chain(certificate, key, password=lambda: "")
        except (OSError, ValueError) as error:
            why = getattr(error, "reason", None) or "the key is encrypted"
            raise UsageError(
                f"{setting}: cannot use {certificate} with {key} ({str(why).lower().replace('_', ' ')}); "
                "expected a PEM certificate and its unencrypted key"
            ) from None
    return context


def _readable(path: str, setting: str) -> str:
    """Check a PEM file, for a message that names it: OpenSSL's errors do not."""
    try:
        text = Path(path).read_bytes()
    except OSError as error:
        raise UsageError(f"{setting}: cannot read {path} ({error.strerror}); expected a PEM file") from None
    if b"-----BEGIN " not in text:
        raise UsageError(f"{setting}: {path} is not a PEM file")
    return path
