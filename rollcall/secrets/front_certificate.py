"""Provide a front's certificate as the user gives it, or the names of one that the fleet's authority signs."""

from rollcall.config import local_files
from rollcall.config.fleet import Member
from rollcall.errors import RollcallError
from rollcall.secrets.certificates import Certificate


def given(member: Member) -> Certificate | None:
    """Return the certificate of front.certificate; None if the settings name none.

    Raises:
        RollcallError: a file is not readable, or the key does not belong to the certificate.
    """
    front = member.settings.front
    if front.certificate is None or front.certificate_key is None:
        return None
    certificate = Certificate(
        _read(member, "certificate", front.certificate), _read(member, "certificate_key", front.certificate_key)
    )
    try:
        matches = certificate.has_its_key()
    except (ValueError, TypeError) as problem:
        raise RollcallError(
            f"front.certificate of {member.name}: got {front.certificate}, {front.certificate_key} ({problem}); "
            "expected a certificate and its private key without a passphrase, both PEM"
        ) from None
    if not matches:
        raise RollcallError(
            f"front.certificate_key of {member.name}: got {front.certificate_key}; "
            f"expected the private key of {front.certificate}"
        )
    return certificate


def names(member: Member) -> list[str]:
    """Return the site's name, or without one the names that users try a front with."""
    if name := member.settings.front.server_name:
        return [name]
    return list(dict.fromkeys((member.node, "localhost", "127.0.0.1", member.address)))


def _read(member: Member, key: str, path: str) -> str:
    try:
        return local_files.found(path).read_text(encoding="ascii")
    except (OSError, UnicodeDecodeError) as problem:
        reason = problem.strerror if isinstance(problem, OSError) else "it is not PEM"
        raise RollcallError(
            f"front.{key}: got {path!r} for {member.name}, but {local_files.found(path)} cannot be read: {reason}"
        ) from None
