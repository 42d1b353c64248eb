"""Certificates as files, valid and expired, and an authority for them."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from rollcall.secrets.certificates import Certificate, authority, issue


class TlsFiles:
    """A folder with an authority, ca.pem, and the certificates that it issues."""

    def __init__(self, folder: Path, name: str = "test") -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._authority = authority(name)
        self.ca = folder / "ca.pem"
        self.ca.write_text(self._authority.certificate)

    def issue(self, *names: str, file: str = "cert") -> tuple[Path, Path]:
        """Issue a certificate for a server and client; return the files of certificate and key."""
        return self._write(issue(self._authority, "test", names, "agent"), file)

    def issue_expired(self, *names: str, file: str = "expired") -> tuple[Path, Path]:
        return self._write(expired(self._authority, names), file)

    def _write(self, issued: Certificate, file: str) -> tuple[Path, Path]:
        certificate, key = self.folder / f"{file}.pem", self.folder / ("key.pem" if file == "cert" else f"{file}.key")
        certificate.write_text(issued.certificate)
        key.write_text(issued.key)
        return certificate, key


def expired(signer: Certificate, names: Iterable[str]) -> Certificate:
    """Issue a certificate that ended yesterday."""
    valid = issue(signer, "expired", names, "agent")
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(valid.parsed.subject)
        .issuer_name(valid.parsed.issuer)
        .public_key(valid.parsed.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=2))
        .not_valid_after(now - timedelta(days=1))
    )
    for extension in valid.parsed.extensions:
        builder = builder.add_extension(extension.value, critical=extension.critical)
    signing = serialization.load_pem_private_key(signer.key.encode(), None)
    assert isinstance(signing, ec.EllipticCurvePrivateKey)
    signed = builder.sign(signing, hashes.SHA256())
    return Certificate(signed.public_bytes(serialization.Encoding.PEM).decode(), valid.key)
