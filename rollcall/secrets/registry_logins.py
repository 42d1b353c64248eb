"""Read the logins of image registries: from the fleet's private directory, or in CI from the environment."""

import base64
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from rollcall.errors import RollcallError
from rollcall.secrets.private_directory import PrivateDirectory, complete_files

FOLDER = "registries"
ENVIRONMENT_PREFIX = "ROLLCALL_REGISTRY_"
# Where Docker keeps the login of its own registry.
_HUB, _HUB_KEY = "docker.io", "https://index.docker.io/v1/"
HOST_PATTERN = r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[0-9]{1,5})?"


@dataclass(frozen=True)
class Login:
    """A user of a registry."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True)
class RegistryLogins:
    """The logins by registry, such as registry.example.com:5000; docker.io is Docker Hub."""

    by_host: Mapping[str, Login] = field(default_factory=dict, repr=False)

    def of(self, image: str) -> Login | None:
        """Return the login for an image's registry, None without one; the deployer's environment wins.

        Raises:
            RollcallError: the environment has a malformed one.
        """
        host = registry_of(image)
        variable = deployers_variable(host)
        if variable not in os.environ:
            return self.by_host.get(host)
        username, _, password = os.environ[variable].partition(":")
        if not (username and password):
            raise RollcallError(f"{variable}: got no login; expected USERNAME:PASSWORD")
        return Login(username, password)

    def header(self, image: str) -> str:
        """Return the value of the header X-Registry-Auth of the engine's API."""
        login = self.of(image)
        content = {"username": login.username, "password": login.password} if login else {}
        return base64.urlsafe_b64encode(json.dumps(content).encode()).decode()

    def configuration(self, image: str) -> str:
        """Return the config.json by which the docker command logs in; "" without a login."""
        login = self.of(image)
        if login is None:
            return ""
        host = registry_of(image)
        auth = base64.b64encode(f"{login.username}:{login.password}".encode()).decode()
        return json.dumps({"auths": {_HUB_KEY if host == _HUB else host: {"auth": auth}}})


def registry_of(image: str) -> str:
    """Return an image's registry: the first part of its name if that is a host (distribution/reference)."""
    first, slash, _ = image.partition("/")
    return first if slash and (first == "localhost" or any(mark in first for mark in ".:")) else _HUB


def deployers_variable(host: str) -> str:
    """Return the variable of the deployer's environment that holds a login, as USERNAME:PASSWORD."""
    return ENVIRONMENT_PREFIX + re.sub("[^A-Z0-9]", "_", host.upper())


def directory(folder: PrivateDirectory, *, draft: bool = False) -> PrivateDirectory:
    """Return the directory with the logins. Raises RollcallError: it is unusable or open to other users."""
    return PrivateDirectory(folder.path / FOLDER, draft=draft)


def text(login: Login) -> str:
    """Return a login as its file holds it."""
    return json.dumps({"username": login.username, "password": login.password}) + "\n"


def read(folder: PrivateDirectory) -> RegistryLogins:
    """Read the logins in the directory.

    Raises:
        RollcallError: one is malformed, unreadable, or open to other users.
    """
    kept = directory(folder, draft=True)
    return RegistryLogins({file.name: _login(kept, file.name) for file in complete_files(kept.path)})


def _login(kept: PrivateDirectory, host: str) -> Login:
    try:
        return Login(**json.loads(kept.read(host, "utf-8")))
    except (ValueError, TypeError):
        raise RollcallError(
            f"{kept.path / host}: expected a login as `rollcall secret set INVENTORY --registry {host}` writes it"
        ) from None
