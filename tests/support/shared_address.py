"""A host as keepalived sees one: an address, something that serves, and keepalived as a deploy would run it."""

import http.client
from dataclasses import dataclass, replace
from pathlib import Path

import docker
from docker.models.containers import Container
from docker.models.networks import Network
from own_components import check

from rollcall.components import keepalived
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.converge.resources import Mount, Resource
from rollcall.lab import stand_in
from rollcall.lab.dockerfile import local_name
from rollcall.lab.stand_in import context

LABELS = {"rollcall.test.two-fronts": "1"}
SUBNET = "10.78.0.0/24"
SHARED = "10.78.0.100"
ADDRESSES = {"front1": "10.78.0.11", "front2": "10.78.0.12"}
# Of what the front's nginx has, only what keepalived asks for.
NGINX = """\
events {}
http {
    server {
        listen 80;
        server_name front.rollcall.invalid;
        return 204;
    }
    server {
        listen 80 default_server;
        return 200 "$hostname";
    }
}
"""


def fleet(**more: str) -> Fleet:
    """Two fronts, and more by their addresses."""
    settings = {"front": {"virtual_address": f"{SHARED}/24"}}
    hosts = [
        RawHost(name, frozenset({"fronts"}), {"address": address, **settings})
        for name, address in {**ADDRESSES, **more}.items()
    ]
    server = RawHost("consul1", frozenset({"consul_servers"}), {"address": "10.78.0.21"})
    return check("two", [server, *hosts], "laptop", nowhere)


def resources(name: str, declared: Fleet) -> tuple[Resource, ...]:
    return keepalived.resources(context(declared, declared.member(name), None, interfaces={ADDRESSES[name]: "eth0"}))


@dataclass(frozen=True)
class Host:
    """`machine` has the network that the two others share."""

    name: str
    folder: Path
    machine: Container
    web: Container
    keepalived: Container

    @property
    def has_the_address(self) -> bool:
        code, output = self.machine.exec_run(["hostname", "-I"])
        assert code == 0, output
        return SHARED in output.decode().split()

    @property
    def log(self) -> str:
        return str(self.keepalived.logs().decode())

    def is_told(self, declared: Fleet) -> None:
        """Give it other settings, as a deploy does."""
        stand_in.put(resources(self.name, declared), keepalived.FOLDER, self.folder)
        self.keepalived.kill("HUP")

    def remove(self) -> None:
        for one in (self.keepalived, self.web, self.machine):
            one.remove(force=True, v=True)


@dataclass(frozen=True)
class Pair:
    """Both hosts."""

    first: Host
    second: Host

    @property
    def holders(self) -> list[str]:
        """Name the hosts that have the shared address."""
        return [host.name for host in (self.first, self.second) if host.has_the_address]

    def answers_from(self, name: str) -> bool:
        """Whether a visitor of the shared address gets to that host."""
        connection = http.client.HTTPConnection(SHARED, timeout=0.3)
        try:
            connection.request("GET", "/")
            return connection.getresponse().read().decode() == name
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def keepalived_host(engine: docker.DockerClient, network: Network, name: str, folder: Path) -> Host:
    machine = engine.containers.create(
        local_name("debian:trixie-slim"), ["sleep", "infinity"], hostname=name, labels=LABELS, init=True
    )
    network.connect(machine, ipv4_address=ADDRESSES[name])
    engine.networks.get("bridge").disconnect(machine)
    machine.start()
    configuration = folder / "nginx.conf"
    folder.mkdir()
    configuration.write_text(NGINX)
    web = engine.containers.run(
        local_name("nginx:1.30"),
        ["nginx", "-c", "/nginx.conf", "-g", "daemon off;"],
        detach=True,
        labels=LABELS,
        network_mode=f"container:{machine.id}",
        volumes={str(configuration): {"bind": "/nginx.conf", "mode": "ro"}},
    )
    return Host(name, folder / "keepalived", machine, web, run(engine, machine, name, folder / "keepalived"))


def run(engine: docker.DockerClient, machine: Container, name: str, folder: Path) -> Container:
    """Run keepalived with the rights that a deploy gives it."""
    made = resources(name, fleet())
    stand_in.put(made, keepalived.FOLDER, folder)
    wanted = replace(
        stand_in.container(made),
        name=f"rollcall-test-keepalived-{name}",
        image=local_name("rollcall/keepalived:0.1.0"),
        network=f"container:{machine.id}",
        hostname="",
        mounts=(Mount(str(folder), keepalived.FOLDER),),
    )
    return engine.containers.get(stand_in.run(wanted, LABELS))
