"""Read the program's settings, as a deploy writes them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rollcall.contract import acme_files

CONFIGURATION = Path("/etc/rollcall/acme")


@dataclass(frozen=True)
class Front:
    """Where a front serves plain HTTP, and whether it expects the PROXY protocol there."""

    address: str
    port: int
    proxy_protocol: bool = False


@dataclass(frozen=True)
class Hook:
    """The user's program that changes DNS: its environment, and the names of the secrets that it reads as files."""

    environment: Mapping[str, str]
    secrets: tuple[str, ...]


@dataclass(frozen=True)
class Settings:
    """The settings; the defaults and their meaning are in rollcall/config/settings.py.

    `fronts` are where all fronts serve plain HTTP, `addresses` those that names may lead to; with `dns`, names are
    proven by DNS-01 and may lead anywhere. `eab_id` is empty without external account binding; `authority` says whether
    the directory has a CA file.
    """

    node: str
    consul: str
    email: str
    names: tuple[str, ...]
    directory: str
    profile: str
    eab_id: str
    authority: bool
    fronts: tuple[Front, ...]
    addresses: tuple[str, ...]
    dns: Hook | None = None


@dataclass(frozen=True)
class Files:
    """The secret files beside the settings."""

    folder: Path = CONFIGURATION

    @property
    def token(self) -> str:
        """The token for Consul."""
        return (self.folder / "token").read_text().strip()

    @property
    def keys(self) -> tuple[str, ...]:
        """The key that encrypts certificates in Consul, and those that only decrypt, during its rotation."""
        return tuple((self.folder / "key").read_text().split())

    @property
    def eab_key(self) -> str:
        """The key of the external account binding."""
        return (self.folder / "eab.key").read_text().strip()

    @property
    def authority(self) -> Path:
        """The CA file of the directory."""
        return self.folder / "authority.pem"

    @property
    def hook(self) -> Path:
        """The user's program that changes DNS."""
        return self.folder / acme_files.HOOK

    @property
    def hook_secrets(self) -> Path:
        """The directory of its secrets."""
        return self.folder / acme_files.HOOK_SECRETS


def read(text: str) -> Settings:
    """Read acme.json. The deploy has checked the values; here they only get their types.

    Raises:
        ValueError: it is not an acme.json of this version.
    """
    try:
        document: dict[str, Any] = json.loads(text)
        document["fronts"] = tuple(Front(**front) for front in document["fronts"])
        for key in ("names", "addresses"):
            document[key] = tuple(document[key])
        if hook := document["dns"]:
            document["dns"] = Hook(hook["environment"], tuple(hook["secrets"]))
        return Settings(**document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"invalid acme.json: {error}; deploy with the version of this image") from error
