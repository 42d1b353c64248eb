"""Read the values of services' secrets: from the fleet's private directory, or in CI from the environment."""

import base64
import hashlib
import hmac
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from rollcall.config.fleet import Fleet
from rollcall.errors import RollcallError
from rollcall.secrets import front_secrets
from rollcall.secrets.certificates import Certificate
from rollcall.secrets.private_directory import PrivateDirectory

FOLDER = "services"
# The key of the digests by which a deploy sees that a value changed. No rotation changes it: that would be a release.
KEY = "services.key"
ENCODING = "utf-8"
ENVIRONMENT_PREFIX = "ROLLCALL_SECRET_"
_DIGEST_LENGTH = 16


@dataclass(frozen=True)
class ServiceSecrets:
    """The values of services' secrets, by service and name, and services' certificates; a missing one has none."""

    key: bytes = field(default=b"", repr=False)
    values: Mapping[tuple[str, str], str] = field(default_factory=dict, repr=False)
    certificates: Mapping[str, Certificate] = field(default_factory=dict)

    def value(self, service: str, name: str) -> str:
        """Return a secret's value; "" for a missing one."""
        return self.values.get((service, name), "")

    def digest(self, service: str, names: Iterable[str], *circumstances: str) -> str:
        """Return a digest that changes with any value or circumstance, and reveals neither without the fleet's key."""
        parts = [service, *circumstances, *(part for name in names for part in (name, self.value(service, name)))]
        content = b"".join(hashlib.sha256(part.encode()).digest() for part in parts)
        return hmac.new(self.key, content, hashlib.sha256).hexdigest()[:_DIGEST_LENGTH]

    @property
    def salt(self) -> str:
        """Text that makes the digests of the files on hosts useless to those without the fleet's key."""
        return hmac.new(self.key, b"salt", hashlib.sha256).hexdigest()


def variable(name: str) -> str:
    """Return the environment variable of a secret: DATABASE_PASSWORD of database-password."""
    return name.upper().replace("-", "_")


def deployers_variable(service: str, name: str) -> str:
    """Return the variable of the deployer's environment that holds a value: ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD."""
    return f"{ENVIRONMENT_PREFIX}{variable(service)}__{variable(name)}"


def declared(fleet: Fleet) -> set[tuple[str, str]]:
    """Return the service and the name of each secret that the fleet declares; those of the fronts, too."""
    services = (service for member in fleet.members for service in member.settings.services)
    return {(service.name, name) for service in services for name in service.secrets} | front_secrets.declared(fleet)


def read(folder: PrivateDirectory, fleet: Fleet) -> ServiceSecrets:
    """Read the values that the fleet's services declare; the deployer's environment wins over the directory.

    Raises:
        RollcallError: a value is unreadable or open to other users.
    """
    wanted = declared(fleet)
    if not wanted:
        return ServiceSecrets()
    if not folder.has(KEY):
        folder.write(KEY, base64.b64encode(os.urandom(32)).decode() + "\n")
    found = {(service, name): _value(folder, service, name) for service, name in sorted(wanted)}
    return ServiceSecrets(
        base64.b64decode(folder.read(KEY)), {which: value for which, value in found.items() if value is not None}
    )


def _value(folder: PrivateDirectory, service: str, name: str) -> str | None:
    given = deployers_variable(service, name)
    if given in os.environ:
        return checked(os.environ[given], given)
    kept = of_service(folder, service, draft=True)
    return checked(kept.read(name, ENCODING), str(kept.path / name)) if kept.has(name) else None


def of_service(folder: PrivateDirectory, service: str, *, draft: bool = False) -> PrivateDirectory:
    """Return the directory with the values of a service.

    Raises:
        RollcallError: it cannot be made or read, or it is open to other users.
    """
    # One level at a time, so that each is private.
    return PrivateDirectory(PrivateDirectory(folder.path / FOLDER, draft=draft).path / service, draft=draft)


def checked(value: str, where: str) -> str:
    """Return a value that a container can have.

    Raises:
        RollcallError: it is empty, or holds a NUL byte.
    """
    if not value or "\0" in value:
        got = "a NUL byte" if value else "an empty value"
        raise RollcallError(f"{where}: got {got}; expected text of at least one character")
    return value
