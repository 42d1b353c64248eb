"""Run the fleet's own certificate authority: issue certificates, and decide when to renew them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from ipaddress import ip_address
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

AUTHORITY_DAYS = 3650
# Any deploy in the last third of the year renews a certificate: with two deploys a year none expires.
DAYS = 365
RENEWAL = timedelta(days=120)
# Agents are servers and clients of each other.
Usage = Literal["agent", "server", "client"]
_USAGES: dict[Usage, list[x509.ObjectIdentifier]] = {
    "agent": [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH],
    "server": [ExtendedKeyUsageOID.SERVER_AUTH],
    "client": [ExtendedKeyUsageOID.CLIENT_AUTH],
}
# Backdated, so that a certificate is already valid on hosts whose clock is slightly behind.
_EARLIER = timedelta(hours=1)


@dataclass(frozen=True)
class Certificate:
    """A certificate and its private key, both PEM; the certificate may include its chain."""

    certificate: str
    key: str = field(repr=False)

    @cached_property
    def parsed(self) -> x509.Certificate:
        """The parsed certificate. Raises ValueError: it is malformed."""
        return x509.load_pem_x509_certificate(self.certificate.encode())

    @property
    def end(self) -> datetime:
        """The end of its validity."""
        return self.parsed.not_valid_after_utc

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Its host names and addresses, sorted."""
        try:
            found = self.parsed.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return ()
        addresses = map(str, found.get_values_for_type(x509.IPAddress))
        return tuple(sorted((*found.get_values_for_type(x509.DNSName), *addresses)))

    def has_its_key(self) -> bool:
        """Return whether certificate and key belong together. Raises ValueError: the key is malformed."""
        private = serialization.load_pem_private_key(self.key.encode(), None)
        return private.public_key() == self.parsed.public_key()

    def signed_by(self, authority: "Certificate") -> bool:
        """Return whether the authority has signed it."""
        try:
            self.parsed.verify_directly_issued_by(authority.parsed)
        except (InvalidSignature, ValueError, TypeError):
            return False
        return True


def authority(name: str) -> Certificate:
    """Create a certificate authority."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _name(name)
    usage = _usage(certificates=True)
    builder = _builder(subject, subject, key, AUTHORITY_DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(usage, critical=True)
    return _signed(builder, key, key)


def issue(signer: Certificate, name: str, names: Iterable[str], usage: Usage) -> Certificate:
    """Issue a certificate.

    Args:
        signer: the authority.
        name: the common name that users read.
        names: its host names and addresses.
        usage: its extended key usage. Agents accept client certificates, so a site's certificate must be server only.
    """
    signing = serialization.load_pem_private_key(signer.key.encode(), None)
    if not isinstance(signing, ec.EllipticCurvePrivateKey):
        raise TypeError("the authority's key is not an elliptic-curve key, as authority() creates")
    key = ec.generate_private_key(ec.SECP256R1())
    builder = _builder(_name(name), signer.parsed.subject, key, DAYS)
    builder = builder.add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    builder = builder.add_extension(_usage(certificates=False), critical=True)
    builder = builder.add_extension(x509.ExtendedKeyUsage(_USAGES[usage]), critical=False)
    builder = builder.add_extension(x509.SubjectAlternativeName(list(map(_general, names))), critical=False)
    return _signed(builder, key, signing)


def is_due(
    certificate: Certificate, signer: Certificate, names: Sequence[str], now: datetime, renewal: timedelta = RENEWAL
) -> bool:
    """Return whether to renew a certificate: another authority signed it, its names changed, or it expires soon.

    Args:
        certificate: the present one.
        signer: the fleet's authority.
        names: what it must be valid for.
        now: the time.
        renewal: how long before its end it is due.
    """
    ends_soon = certificate.end - now < renewal
    return ends_soon or certificate.names != tuple(sorted(names)) or not certificate.signed_by(signer)


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _EARLIER)
        .not_valid_after(now + timedelta(days=days))
        # Distinguishes two authorities of the same name during a rotation.
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _signed(
    builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey, signing: ec.EllipticCurvePrivateKey
) -> Certificate:
    identifier = x509.AuthorityKeyIdentifier.from_issuer_public_key(signing.public_key())
    made = builder.add_extension(identifier, critical=False).sign(signing, hashes.SHA256())
    pem = serialization.Encoding.PEM
    private = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return Certificate(made.public_bytes(pem).decode(), private.decode())


def _usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _name(name: str) -> x509.Name:
    # X.520 allows a common name of 64 characters; clients check only the alternative names.
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(name))
    except ValueError:
        return x509.DNSName(name)
