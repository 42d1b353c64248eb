"""Store a fleet's secrets: created at its first deploy, kept on the control machine, never printed."""

import base64
import os
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rollcall.config.fleet import Fleet, Member
from rollcall.contract.problems import EXPIRING
from rollcall.errors import RollcallError
from rollcall.secrets import certificates, front_certificate, registry_logins, service_secrets
from rollcall.secrets.certificates import Certificate, Usage
from rollcall.secrets.front_certificate import Given
from rollcall.secrets.identity import IDENTITY, Identity
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.registry_logins import RegistryLogins
from rollcall.secrets.service_secrets import ServiceSecrets
from rollcall.secrets.tokens import Tokens

# A rotated secret has a next, a current, and a previous generation.
GOSSIP, TOKENS, AUTHORITY = "gossip.key", "tokens.key", "ca.pem"
# Encrypts the certificates by ACME in Consul's store; made once a front needs it.
ACME_KEY = "acme.key"
ROTATED: Mapping[str, str] = {"gossip": GOSSIP, "tokens": TOKENS, "ca": AUTHORITY, "acme": ACME_KEY}


@dataclass(frozen=True)
class Secrets:
    """Every secret that components put on hosts.

    `tokens` are those in use; `other_tokens` are also valid during a rotation.
    `authority` is the PEM of every trusted certificate authority: two during a rotation.
    `acme_key` encrypts the certificates by ACME, empty if no front has any; `other_acme_keys` only decrypt them, during
    a rotation.
    `unfinished` are the kinds whose rotation was started and not finished.
    `agents` and `fronts` hold one certificate per node, `sites` a front's certificates of the user's own; `operator` is
    for users of Consul's HTTPS API.
    """

    identity: Identity
    gossip_key: str = field(repr=False)
    tokens: Tokens
    other_tokens: tuple[Tokens, ...]
    authority: str
    authority_end: datetime
    unfinished: tuple[str, ...]
    agents: Mapping[str, Certificate]
    fronts: Mapping[str, Certificate]
    operator: Certificate
    acme_key: str = field(default="", repr=False)
    other_acme_keys: tuple[str, ...] = field(default=(), repr=False)
    sites: Mapping[str, tuple[Given, ...]] = field(default_factory=dict)
    services: ServiceSecrets = field(default_factory=ServiceSecrets)
    registries: RegistryLogins = field(default_factory=RegistryLogins)


def generations(name: str) -> tuple[str, str, str]:
    """Return the file names of the next, the current, and the previous generation."""
    stem, suffix = name.rsplit(".", 1)
    return f"{stem}.next.{suffix}", name, f"{stem}.previous.{suffix}"


def read(folder: PrivateDirectory, fleet: Fleet, renewal: timedelta = certificates.RENEWAL) -> Secrets:
    """Read the secrets; create those of a new fleet, and certificates that are due.

    Args:
        folder: the inventory's own folder; a draft keeps in memory what is created.
        fleet: the hosts and names to issue certificates for.
        renewal: how long before its end a certificate is due.

    Raises:
        RollcallError: the folder is unusable, open to other users or incomplete; or a user's certificate is invalid.
    """
    if not folder.has(IDENTITY):
        _make(folder)
    try:
        identity = Identity.read(folder.read(IDENTITY))
    except ValueError as problem:
        raise RollcallError(f"{folder.path / IDENTITY} is malformed ({problem}); restore it from a backup") from None
    signer = _pem(folder.read(AUTHORITY))
    trusted = [signer, *(_pem(text) for text in _others(folder, AUTHORITY))]
    issued = _Issued(folder, signer, renewal)
    return Secrets(
        identity=identity,
        gossip_key=folder.read(GOSSIP).strip(),
        tokens=_tokens(folder.read(TOKENS)),
        other_tokens=tuple(map(_tokens, _others(folder, TOKENS))),
        authority="".join(authority.certificate for authority in trusted),
        authority_end=signer.end,
        unfinished=tuple(kind for kind, name in ROTATED.items() if _others(folder, name)),
        agents={member.node: issued(f"agent-{member.node}", _agent_names(member), "agent") for member in fleet.members},
        fronts={member.node: _front(issued, fleet, member) for member in fleet.members if member.is_front},
        operator=issued("operator", ["operator.rollcall.internal"], "client"),
        acme_key=_acme_key(folder, fleet),
        other_acme_keys=tuple(text.strip() for text in _others(folder, ACME_KEY)),
        sites={member.node: _sites(member) for member in fleet.members if member.is_front},
        services=replace(service_secrets.read(folder, fleet), certificates=_of_services(issued, fleet)),
        registries=registry_logins.read(folder),
    )


def folder_is_complete(path: Path) -> bool:
    """Return whether the folder holds a fleet's secrets."""
    return (path / IDENTITY).exists()


def warnings(secrets: Secrets, now: datetime) -> list[str]:
    """Return warnings about what the user must renew; a deploy renews everything else."""
    sentences = []
    if secrets.authority_end - now < timedelta(days=certificates.DAYS):
        sentences.append(
            f"The fleet's certificate authority expires on {secrets.authority_end:%Y-%m-%d}; "
            "run rollcall rotate INVENTORY ca"
        )
    sentences += [
        f"The certificate of the front {node} expires on {certificate.end:%Y-%m-%d}; renew front.certificate's file"
        for node, certificate in secrets.fronts.items()
        if certificate.end - now < EXPIRING
    ]
    sentences += [
        f"The certificate {site.path} of the front {node} expires on {site.pair.end:%Y-%m-%d}; renew the file"
        for node, sites in secrets.sites.items()
        for site in sites
        if site.pair is not secrets.fronts.get(node) and site.pair.end - now < EXPIRING
    ]
    sentences += [
        f"A rotation of {kind} is unfinished; unless it is running now, finish it: rollcall rotate INVENTORY {kind}"
        for kind in secrets.unfinished
    ]
    return sentences


def _make(folder: PrivateDirectory) -> None:
    """Create the secrets of a new fleet; the identity last, since it marks the folder as complete."""
    for name in (GOSSIP, TOKENS, AUTHORITY):
        if not folder.has(name):
            folder.write(name, new(name))
    folder.write(IDENTITY, str(Identity(str(uuid.uuid4()), 0)))


def new(name: str) -> str:
    """Create the text of a new generation."""
    return _MAKERS[name]()


def _random_key() -> str:
    """Return 32 random bytes in base64, as `consul keygen` prints."""
    return base64.b64encode(os.urandom(32)).decode() + "\n"


def _new_authority() -> str:
    return _text(certificates.authority("Rollcall"))


_MAKERS: Mapping[str, Callable[[], str]] = {
    GOSSIP: _random_key,
    TOKENS: _random_key,
    AUTHORITY: _new_authority,
    ACME_KEY: _random_key,
}


def _others(folder: PrivateDirectory, name: str) -> list[str]:
    following, _, previous = generations(name)
    return [folder.read(file) for file in (following, previous) if folder.has(file)]


def _tokens(text: str) -> Tokens:
    return Tokens(base64.b64decode(text))


def _text(certificate: Certificate) -> str:
    return certificate.certificate + certificate.key


def _pem(text: str) -> Certificate:
    certificate, mark, key = text.partition("-----BEGIN PRIVATE KEY-----")
    return Certificate(certificate, mark + key)


class _Issued:
    """Certificates that the fleet's authority signs, renewed when they are due."""

    def __init__(self, folder: PrivateDirectory, signer: Certificate, renewal: timedelta) -> None:
        self.folder = folder
        self.signer = signer
        self.renewal = renewal

    def __call__(self, name: str, names: list[str], usage: Usage) -> Certificate:
        file = f"{name}.crt.pem"
        if self.folder.has(file):
            current = _pem(self.folder.read(file))
            if not certificates.is_due(current, self.signer, names, datetime.now(UTC), self.renewal):
                return current
        issued = certificates.issue(self.signer, name, names, usage)
        self.folder.write(file, _text(issued))
        return issued


def _agent_names(member: Member) -> list[str]:
    """Return an agent's names; agents verify a server by its role alone (Consul, `verify_server_hostname`)."""
    consul = member.settings.consul
    role = "server" if member.is_server else "client"
    names = [f"{role}.{consul.datacenter}.{consul.domain}", f"{member.node}.node.{consul.domain}", "localhost"]
    return [*names, *dict.fromkeys(("127.0.0.1", member.address))]


def _front(issued: _Issued, fleet: Fleet, member: Member) -> Certificate:
    own = front_certificate.given(member)
    return own.pair if own else issued(f"front-{member.node}", front_certificate.names(fleet, member), "server")


def _of_services(issued: _Issued, fleet: Fleet) -> Mapping[str, Certificate]:
    """Return the certificates of those services that read one, each for its names in Consul."""
    names: dict[str, dict[str, None]] = {}
    for member in fleet.members:
        for service in member.settings.services:
            if service.has_certificate:
                registered = [service.registered_name(port) for port in service.ports] or [service.name]
                found = [f"{name}.service.{member.settings.consul.domain}" for name in registered]
                names[service.name] = {**names.get(service.name, {}), **dict.fromkeys(found)}
    return {name: issued(f"service-{name}", list(own), "server") for name, own in names.items()}


def _sites(member: Member) -> tuple[Given, ...]:
    """Return every certificate of the user's own, that of the default site included."""
    own = front_certificate.given(member)
    return (*((own,) if own else ()), *front_certificate.of_sites(member))


def _acme_key(folder: PrivateDirectory, fleet: Fleet) -> str:
    """Return the key for certificates by ACME, made at the first deploy with them."""
    if not any(member.is_front and member.settings.front.acme for member in fleet.members):
        return ""
    if not folder.has(ACME_KEY):
        folder.write(ACME_KEY, new(ACME_KEY))
    return folder.read(ACME_KEY).strip()
