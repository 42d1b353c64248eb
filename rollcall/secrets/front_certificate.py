"""Provide a front's certificate as the user gives it, or the names of one that the fleet's authority signs."""

from dataclasses import dataclass

from cryptography.x509.oid import NameOID

from rollcall.config import local_files
from rollcall.config.fleet import Fleet, Member
from rollcall.errors import RollcallError
from rollcall.secrets.certificates import Certificate


@dataclass(frozen=True)
class Given:
    """A certificate of the user's own, and the path that the settings give of it."""

    path: str
    pair: Certificate

    @property
    def issuer(self) -> str:
        """The name of its authority."""
        found = self.pair.parsed.issuer
        named = found.get_attributes_for_oid(NameOID.COMMON_NAME) or found.get_attributes_for_oid(
            NameOID.ORGANIZATION_NAME
        )
        return str(named[0].value) if named else ""


def given(member: Member) -> Given | None:
    """Return the certificate of front.certificate; None if the settings name none.

    Raises:
        RollcallError: a file is not readable, or the key does not belong to the certificate.
    """
    front = member.settings.front
    if front.certificate is None or front.certificate_key is None:
        return None
    return _read_pair(member, ("certificate", front.certificate), ("certificate_key", front.certificate_key))


def of_sites(member: Member) -> tuple[Given, ...]:
    """Return the certificates of front.certificates.

    Raises:
        RollcallError: a file is not readable, the key does not belong to the certificate, or it has no name.
    """
    found = []
    for number, site in enumerate(member.settings.front.certificates):
        key = f"certificates[{number}]"
        one = _read_pair(member, (f"{key}.certificate", site.certificate), (f"{key}.key", site.key))
        if not one.pair.names:
            raise RollcallError(
                f"front.{key}.certificate of {member.name}: got {site.certificate}, which has no host name; "
                "expected a certificate with at least one (subjectAltName)"
            )
        found.append(one)
    return tuple(found)


def _read_pair(member: Member, certificate: tuple[str, str], key: tuple[str, str]) -> Given:
    pair = Certificate(_read(member, *certificate), _read(member, *key))
    try:
        matches = pair.has_its_key()
    except (ValueError, TypeError) as problem:
        raise RollcallError(
            f"front.{certificate[0]} of {member.name}: got {certificate[1]}, {key[1]} ({problem}); "
            "expected a certificate and its private key without a passphrase, both PEM"
        ) from None
    if not matches:
        raise RollcallError(
            f"front.{key[0]} of {member.name}: got {key[1]}; expected the private key of {certificate[1]}"
        )
    return Given(certificate[1], pair)


def names(fleet: Fleet, member: Member) -> list[str]:
    """Return the names for the fleet's own certificate: of the default site, and of every route in the settings.

    Without a name of the site, those that users try a front with.
    """
    front = member.settings.front
    own = [front.server_name] if front.server_name else [member.node, "localhost", "127.0.0.1", member.address]
    services = (service for one in fleet.members for service in one.settings.services)
    declared = (route.host for service in services for route in service.routes)
    return list(dict.fromkeys((*own, *(route.host for route in front.routes), *declared)))


def _read(member: Member, key: str, path: str) -> str:
    return local_files.read_ascii(path, f"front.{key}: got {path!r} for {member.name}", "it is not PEM")
