"""A real ACME authority, pebble with its name server, and the ACME program in its container."""

import json
import subprocess
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
import requests
from docker.models.containers import Container
from free_ports import free_ports
from front_world import ACME_STATE, Catalog, fleet, run
from program_clock import Clock
from removal import remove
from tls_files import TlsFiles
from waiting import until

from rollcall.components import acme
from rollcall.components.template_files import render
from rollcall.contract import acme_files
from rollcall.converge.resources import Mount
from rollcall.lab import go, stand_in
from rollcall.secrets.store import Secrets

EMAIL = "ops@example.com"


@dataclass
class Pebble:
    """The authority; it validates at `http_port` of the addresses that its name server gives, 127.0.0.1 by default."""

    directory: str
    management: str
    dns: str
    ca: Path
    # Of its own TLS, which a proxy in front of it may use.
    pair: tuple[Path, Path]

    def root(self) -> str:
        """Return the root that its certificates chain up to; another one at each start."""
        return requests.get(f"{self.management}/roots/0", verify=str(self.ca), timeout=5).text

    def lead(self, name: str, address: str) -> None:
        """Let a name lead to an address for the authority."""
        requests.post(f"{self.dns}/add-a", json={"host": f"{name}.", "addresses": [address]}, timeout=5)


@contextmanager
def pebble(folder: Path, http_port: int, name_server: str = "") -> Iterator[Pebble]:
    """Run an authority until the block ends; it rejects 5 % of nonces on purpose.

    It asks `name_server`, ADDRESS:PORT; without one, a name server of its own, by which every name leads to 127.0.0.1.
    """
    listen, management, dns, dns_management = free_ports(4)
    files = TlsFiles(folder)
    certificate, key = files.issue("127.0.0.1", "localhost")
    config = {
        "listenAddress": f"127.0.0.1:{listen}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(certificate),
        "privateKey": str(key),
        "httpPort": http_port,
        "tlsPort": 1,
        "keyAlgorithm": "ecdsa",
        "retryAfter": {"authz": 1, "order": 1},
        "profiles": {"default": {"description": "as usual", "validityPeriod": 7776000}},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = [
        str(go.build(go.PEBBLE_DNS)),
        "-dnsserver",
        f"127.0.0.1:{dns}",
        "-management",
        f"127.0.0.1:{dns_management}",
    ]
    names += [part for flag in ("doh", "http01", "https01", "tlsalpn01", "defaultIPv6") for part in (f"-{flag}", "")]
    server = [str(go.build(go.PEBBLE)), "-config", str(folder / "pebble.json")]
    server += ["-dnsserver", name_server or f"127.0.0.1:{dns}"]
    with (folder / "pebble.log").open("w") as log, _process(names, log), _process(server, log):
        running = Pebble(
            f"https://127.0.0.1:{listen}/dir",
            f"https://127.0.0.1:{management}",
            f"http://127.0.0.1:{dns_management}",
            files.ca,
            (certificate, key),
        )
        until(lambda: _responds(running), "an ACME authority", 30)
        yield running


@contextmanager
def _process(arguments: list[str], log: Any) -> Iterator[None]:
    started = subprocess.Popen(arguments, stdout=log, stderr=log, env={"PEBBLE_VA_NOSLEEP": "1"})
    try:
        yield
    finally:
        started.kill()
        started.wait()


def _responds(running: Pebble) -> bool:
    try:
        return requests.get(running.directory, verify=str(running.ca), timeout=5).ok
    except requests.RequestException:
        return False


@dataclass
class Program:
    """The ACME program's container on one node, as a deploy runs it."""

    container: Container
    volume: str
    # The volume's directory on this machine.
    files: Path

    def log(self) -> str:
        return self.container.logs().decode()

    def states(self) -> Mapping[str, acme_files.NameState]:
        try:
            return acme_files.read_states((self.files / acme_files.STATE).read_text())
        except FileNotFoundError:
            return {}

    def has(self, name: str) -> bool:
        return name in self.states() and bool(self.states()[name].digest)


@dataclass
class Programs:
    """Starts ACME programs, and removes them in the end."""

    engine: docker.DockerClient
    image: Callable[[str], str]
    catalog: Catalog
    secret: Secrets
    folder: Path
    hosts: tuple[str, ...]
    resolver: str = ""
    clock: Clock | None = None
    # By node: where it finds Consul, if not at Consul's own address.
    agents: dict[str, str] = field(default_factory=dict)
    running: list[Program] = field(default_factory=list)

    def start(self, settings: dict[str, Any], node: str = "app1", volume: str = ACME_STATE) -> Program:
        """Start the program of a front with these settings."""
        wanted = fleet(**settings)
        made = acme.resources(stand_in.context(wanted, wanted.members[0], self.secret))
        folder = self.folder / node
        stand_in.put(made, acme.FOLDER, folder)
        config = json.loads((folder / "acme.json").read_text()) | {
            "node": node,
            "consul": self.agents.get(node, self.catalog.address),
        }
        (folder / "acme.json").write_text(json.dumps(config))
        (folder / "token").write_text(self._token(node))
        container = stand_in.container(made)
        mounts = (Mount(str(folder), acme.FOLDER), Mount(volume, str(acme_files.FOLDER), read_only=False))
        if self.resolver:
            (self.folder / "resolv.conf").write_text(f"nameserver {self.resolver}\n")
            mounts = (*mounts, Mount(str(self.folder / "resolv.conf"), "/etc/resolv.conf"))
        more = {}
        if self.clock:
            mounts = (*mounts, self.clock.mount)
            more["environment"] = (*container.environment, *self.clock.environment)
        options = (("extra_hosts", self.hosts),)
        started = run(
            self.engine,
            container,
            f"rollcall-test-acme-{node}",
            self.image(container.image),
            mounts=mounts,
            options=options,
            **more,
        )
        files = Path(self.engine.volumes.get(volume).attrs["Mountpoint"])
        self.running.append(Program(started, volume, files))
        return self.running[-1]

    def _token(self, node: str) -> str:
        policy = f"acme-{node}-{uuid.uuid4()}"
        self.catalog.add_policy(policy, render("consul/policies/acme.hcl.j2", node=node))
        return self.catalog.add_token(policy)

    def remove(self) -> None:
        for program in self.running:
            remove(program.container)
        for volume in {ACME_STATE, *(program.volume for program in self.running)}:
            self.engine.volumes.get(volume).remove()
