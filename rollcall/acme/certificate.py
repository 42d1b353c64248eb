"""A certificate by ACME as it is kept: with its key, and where it was ordered."""

import hashlib
import json
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property

from cryptography import x509
from cryptography.x509.oid import NameOID


@dataclass(frozen=True)
class Issued:
    """A certificate with its chain, its private key, and the address of the directory that issued it."""

    chain: str
    key: str = field(repr=False)
    directory: str

    @cached_property
    def parsed(self) -> x509.Certificate:
        """The certificate itself."""
        return x509.load_pem_x509_certificate(self.chain.encode())

    @property
    def begin(self) -> datetime:
        """The start of its validity."""
        return self.parsed.not_valid_before_utc

    @property
    def end(self) -> datetime:
        """The end of its validity."""
        return self.parsed.not_valid_after_utc

    @property
    def issuer(self) -> str:
        """The name of its authority."""
        issuer = self.parsed.issuer
        found = issuer.get_attributes_for_oid(NameOID.COMMON_NAME) or issuer.get_attributes_for_oid(
            NameOID.ORGANIZATION_NAME
        )
        return str(found[0].value) if found else ""

    @property
    def pem(self) -> str:
        """The one file that nginx reads."""
        return f"{self.chain.rstrip()}\n{self.key}"

    @property
    def digest(self) -> str:
        """The digest of that file."""
        return hashlib.sha256(self.pem.encode()).hexdigest()


def short_digest(text: str) -> str:
    """Return a digest that names a directory's account."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def written(issued: Issued) -> str:
    """Write it as JSON."""
    return json.dumps(asdict(issued))


def read(text: str) -> Issued:
    """Read it.

    Raises:
        ValueError: it is not one.
    """
    try:
        issued = Issued(**json.loads(text))
        _ = issued.parsed
    except (TypeError, AttributeError) as error:
        raise ValueError(f"not a certificate: {error}") from error
    return issued
