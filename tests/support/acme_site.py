"""A front with certificates by ACME, as a visitor and an operator see it, and the authority and programs behind it."""

import base64
import json
import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

import docker
from acme_world import EMAIL, Program, Programs
from free_ports import free_ports
from front_world import Backend, Catalog, Front
from relay import Passed, Relay, relay

from rollcall.lab.pebble import Pebble, pebble
from rollcall.secrets import front_secrets
from rollcall.secrets.service_secrets import ServiceSecrets
from rollcall.secrets.store import Secrets

SHOP, OTHER, ELSEWHERE = (f"{name}.example.com" for name in ("shop", "other", "elsewhere"))
UNLISTED = "shop.example.org"
STEPS = tuple(f"step-{number}.example.com" for number in range(12))
HOSTS = (*(f"{name}:127.0.0.1" for name in (SHOP, OTHER, UNLISTED, *STEPS)), f"{ELSEWHERE}:127.0.0.9")
SECONDS = 60


@dataclass
class World:
    """The site; programs reach the authority through `relay`, if it has one."""

    front: Front
    authority: Pebble
    programs: Programs
    relay: Relay

    def start(self, node: str = "app1", **more: Any) -> Program:
        """Start the ACME program of a front."""
        return self.programs.start(self.front.settings, node, **more)

    def serial(self, name: str) -> str:
        """Return the serial number of the certificate that a visitor who trusts the authority gets; "" for others."""
        context = ssl.create_default_context(cadata=self.authority.root())
        try:
            with self.front.handshake(context, name) as connection:
                return str((connection.getpeercert() or {})["serialNumber"])
        except ssl.SSLError:
            return ""

    def certificate(self, name: str) -> dict[str, str]:
        """Return what the front's status tells of a name's certificate."""
        found = self.front.document().get("certificates", [])
        return next((one for one in found if one["name"] == name), {})

    def error(self, name: str) -> str:
        """Return its last error."""
        return self.certificate(name).get("error") or ""


Start = Callable[..., AbstractContextManager[World]]


@dataclass
class Site:
    """Starts an authority and a front."""

    start_front: Callable[..., AbstractContextManager[Front]]
    catalog: Catalog
    engine: docker.DockerClient
    image: Callable[[str], str]
    secret: Secrets
    folder: Path

    @contextmanager
    def __call__(
        self, resolver: str = "", values: Mapping[str, str] = MappingProxyType({}), **given: Any
    ) -> Iterator[World]:
        """Run them until the block ends; `given` are further settings of front.acme, `values` its hook's secrets."""
        http_port, https_port = free_ports(2)
        secret = replace(
            self.secret,
            acme_key=base64.b64encode(os.urandom(32)).decode(),
            services=ServiceSecrets(b"key", {(front_secrets.OWNER, name): value for name, value in values.items()}),
        )
        dns = resolver and f"{resolver}:53"
        programs = Programs(self.engine, self.image, self.catalog, secret, self.folder / "acme", HOSTS, resolver)
        with (
            pebble(self.folder / "pebble", free_ports(4), http_port, dns) as authority,
            _in_front_of(authority) as between,
        ):
            settings = {
                "email": EMAIL,
                "names": ["*.example.com"],
                "directory": f"https://{between.address}/dir",
                "authority": str(authority.ca),
                **given,
            }
            ports = {"http_port": http_port, "https_port": https_port}
            try:
                with self.start_front(acme=settings, redirect=True, **ports) as front:
                    yield World(front, authority, programs, between)
            finally:
                programs.remove()


@contextmanager
def _in_front_of(authority: Pebble) -> Iterator[Relay]:
    with relay(urlsplit(authority.directory).netloc, authority.ca, authority.pair) as running:
        yield running


def payload(request: Passed) -> str:
    """Return what a signed request to the authority says."""
    text = json.loads(request.body)["payload"]
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


def route(catalog: Catalog, backends: list[Backend], *hosts: str) -> None:
    """Let the front route these hosts, and no others."""
    catalog.register(backends[0].name, backends[0].address, service="shop-80", meta={"virtual_host": ",".join(hosts)})
