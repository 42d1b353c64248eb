"""A Consul agent of the tests' own on loopback: everything is denied to whoever has no token."""

import re
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

import consul
import docker
import requests
from docker.models.containers import Container
from free_ports import free_ports
from removal import remove
from waiting import until

from rollcall.config.project import CHECKOUT
from rollcall.lab.dockerfile import local_name

AGENT = CHECKOUT / "templates/consul/agent.hcl.j2"
PORTS = ("http", "dns", "server", "serf-lan", "serf-wan")
# By these the tests write what agents of other hosts write by RPC.
OF_OTHER_AGENTS = re.compile(r'"/v1/catalog/(de)?register", ')


@dataclass
class OwnConsul:
    """The agent; `management` is the token that may do everything."""

    container: Container
    port: int
    dns_port: int
    management: str
    # Where agents of other hosts join.
    serf_port: int

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    # One client keeps its connection; of many, each keeps one until it is collected, and Consul allows 200.
    @cached_property
    def api(self) -> consul.Consul:
        return consul.Consul(port=self.port, token=self.management)

    def is_ready(self) -> bool:
        """Whether there is a leader, and it knows the management token."""
        try:
            return bool(self.api.status.leader()) and bool(self.api.acl.token.read_self())
        except (OSError, consul.ConsulException):
            return False

    def clear(self) -> None:
        for identity in self.api.agent.services():
            self.api.agent.service.deregister(identity)
        self.api.kv.delete("", recurse=True)
        until(lambda: set(self.api.catalog.services()[1]) == {"consul"}, "an empty catalog")

    def add_policy(self, name: str, rules: str) -> None:
        # py-consul makes JSON of the rules once too often.
        self.write("/v1/acl/policy", {"Name": name, "Rules": rules})

    def write(self, path: str, body: object) -> None:
        """Send a request for which py-consul has no right one."""
        done = requests.put(
            f"http://{self.address}{path}", headers={"X-Consul-Token": self.management}, json=body, timeout=5
        )
        done.raise_for_status()

    def add_token(self, policy: str, secret: str = "") -> str:
        """Make a token and give its secret."""
        secret = secret or str(uuid.uuid4())
        self.api.acl.token.create(secret_id=secret, policies_name=[policy])
        return secret


Kind = TypeVar("Kind", bound=OwnConsul)


def blocked() -> str:
    """Return what a fleet's agents refuse to everybody and programs must do without, without its comments."""
    (block,) = re.findall(r"^http_config \{\n.*?^\}\n", AGENT.read_text(), re.MULTILINE | re.DOTALL)
    return OF_OTHER_AGENTS.sub("", re.sub(r"^ *#.*\n", "", block, flags=re.MULTILINE))


@contextmanager
def running(
    kind: type[Kind], engine: docker.DockerClient, labels: Mapping[str, str], *flags: str, management: str = ""
) -> Iterator[Kind]:
    """Run one on the node app1, with more flags and a management token where they are given, until the block ends."""
    ports = dict(zip(PORTS, free_ports(len(PORTS)), strict=True))
    management = management or str(uuid.uuid4())
    tokens = " ".join(f'{use} = "{management}"' for use in ("initial_management", "agent", "dns"))
    started = engine.containers.run(
        local_name("hashicorp/consul:1.22.7"),
        [
            "agent",
            "-dev",
            "-node=app1",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            "-grpc-port=-1",
            "-grpc-tls-port=-1",
            f'-hcl=acl {{ enabled = true default_policy = "deny" tokens {{ {tokens} }} }}',
            f"-hcl={blocked()}",
            *(f"-{name}-port={port}" for name, port in ports.items()),
            *flags,
        ],
        detach=True,
        network_mode="host",
        labels=labels,
    )
    agent = kind(started, ports["http"], ports["dns"], management, ports["serf-lan"])
    try:
        until(agent.is_ready, "a Consul with a leader", 30)
        yield agent
    finally:
        remove(started)


@contextmanager
def joined(server: OwnConsul, engine: docker.DockerClient, labels: Mapping[str, str], node: str) -> Iterator[str]:
    """Run the agent of another host, which joins the first; give its address for HTTP."""
    http, dns, serf = free_ports(3)
    started = engine.containers.run(
        local_name("hashicorp/consul:1.22.7"),
        [
            "agent",
            f"-node={node}",
            "-data-dir=/tmp/consul",
            "-bind=127.0.0.1",
            "-client=127.0.0.1",
            f"-http-port={http}",
            f"-dns-port={dns}",
            f"-serf-lan-port={serf}",
            "-grpc-port=-1",
            f"-retry-join=127.0.0.1:{server.serf_port}",
            f'-hcl=acl {{ enabled = true default_policy = "deny" tokens {{ agent = "{server.management}" }} }}',
            f"-hcl={blocked()}",
        ],
        detach=True,
        network_mode="host",
        labels=labels,
    )
    try:
        until(lambda: node in {one["Node"] for one in server.api.catalog.nodes()[1]}, f"the agent of {node}", 30)
        yield f"127.0.0.1:{http}"
    finally:
        remove(started)
        server.write(f"/v1/agent/force-leave/{node}", {})
