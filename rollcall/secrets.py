"""Secrets of one inventory: made on the control machine at the first deploy, kept out of git."""

import base64
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from rollcall.errors import RollcallError


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key, both PEM."""

    certificate: str
    key: str = field(repr=False)


@dataclass(frozen=True)
class Secrets:
    """Everything secret that components put on hosts. Never printed: the fields have no repr."""

    gossip_key: str = field(repr=False)
    backend: Certificate
    front: Certificate


def load(folder: Path, server_name: str) -> Secrets:
    """Read the secrets, making those that are not there yet.

    Args:
        folder: the inventory's own, made with mode 0700.
        server_name: the name on the front's self-signed certificate.

    Raises:
        RollcallError: the folder cannot be made, or others can read it.
    """
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as problem:
        raise RollcallError(f"{folder}: the secrets' folder cannot be made: {problem.strerror}") from None
    if folder.stat().st_mode & 0o077:
        raise RollcallError(f"{folder} is open to other users, and it holds secrets; right is: chmod 700 {folder}")
    return Secrets(
        gossip_key=_kept(folder / "gossip.key", _new_gossip_key),
        backend=_certificate(folder, "backend", "backend.rollcall.internal"),
        front=_certificate(folder, "front", server_name),
    )


def _kept(file: Path, make: Callable[[], str]) -> str:
    if not file.exists():
        _write(file, make())
    return file.read_text(encoding="ascii").strip()


def _write(file: Path, text: str) -> None:
    """Write with the right mode from the first byte on, and whole or not at all."""
    partial = file.with_suffix(f"{file.suffix}.partial")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
        opened.write(text + "\n")
    partial.replace(file)


def _new_gossip_key() -> str:
    """Give 32 random bytes in base64, what `consul keygen` prints."""
    return base64.b64encode(os.urandom(32)).decode()


def _certificate(folder: Path, name: str, host: str) -> Certificate:
    key, certificate = folder / f"{name}.key", folder / f"{name}.crt"
    if not (key.exists() and certificate.exists()):
        from rollcall.certificates import self_signed  # noqa: PLC0415 - its library costs every later deploy 20 ms

        made, made_key = self_signed(host)
        _write(key, made_key.strip())
        _write(certificate, made.strip())
    return Certificate(certificate.read_text(encoding="ascii"), key.read_text(encoding="ascii"))
