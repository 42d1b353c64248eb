"""A real ACME authority, pebble with its name server, and the ACME program in its container."""

import json
import sys
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from front_world import ACME_STATE, Catalog, fleet, run
from program_clock import Clock
from removal import remove

from rollcall.components import acme
from rollcall.components.template_files import render
from rollcall.contract import acme_files
from rollcall.converge.resources import Mount
from rollcall.lab import stand_in
from rollcall.secrets.store import Secrets

EMAIL = "ops@example.com"


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
            # pytest shows it where a test fails.
            sys.stdout.write(f"{program.container.name}:\n{program.log()}\n")
            remove(program.container)
        for volume in {ACME_STATE, *(program.volume for program in self.running)}:
            self.engine.volumes.get(volume).remove()
