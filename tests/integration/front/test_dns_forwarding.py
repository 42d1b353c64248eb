"""DNS for the catalog's names and all others, by UDP, and by TCP for long responses."""

import random
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from confined import NET_BIND_SERVICE, assert_confined, processes
from docker.models.containers import Container
from docker.types import IPAMConfig, IPAMPool
from front_world import answers, fleet, run
from removal import remove

from rollcall.components import dns
from rollcall.components.resolver import Resolver as Before
from rollcall.converge.resources import Mount, Resource
from rollcall.lab.stand_in import container, context, put

# The test's own bridge, since Docker's has a forwarder already where a fleet runs, with an unused address.
BRIDGE = "rollcall-dns"
ADDRESS = "10.99.53.1"
BEFORE = "127.0.0.10"
NO_SUCH_NAME, REFUSED = 3, 5


@dataclass
class Reply:
    code: int
    addresses: list[str]


class Resolver:
    """A client of the forwarder."""

    def ask(self, name: str) -> Reply:
        asked = self._query(name)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            client.settimeout(5)
            client.sendto(asked, (ADDRESS, 53))
            return self._parse(client.recv(4096), asked)

    def ask_by_tcp(self, name: str) -> Reply:
        asked = self._query(name)
        with socket.create_connection((ADDRESS, 53), 5) as client:
            client.sendall(struct.pack(">H", len(asked)) + asked)
            stream = client.makefile("rb")
            return self._parse(stream.read(struct.unpack(">H", stream.read(2))[0]), asked)

    @staticmethod
    def _query(name: str) -> bytes:
        labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
        header = struct.pack(">6H", random.randrange(65536), 0x0100, 1, 0, 0, 0)
        return header + labels + struct.pack(">BHH", 0, 1, 1)

    @staticmethod
    def _parse(message: bytes, asked: bytes) -> Reply:
        identity, flags, _, count, _, _ = struct.unpack(">6H", message[:12])
        assert identity == struct.unpack(">H", asked[:2])[0]
        position, addresses = len(asked), []
        for _ in range(count):
            # The name is a two-byte pointer to the question.
            kind, _, _, length = struct.unpack(">HHIH", message[position + 2 : position + 12])
            position += 12 + length
            if kind == 1:
                addresses.append(socket.inet_ntoa(message[position - 4 : position]))
        return Reply(flags & 0xF, sorted(addresses))


@pytest.fixture
def resources() -> tuple[Resource, ...]:
    """The resources of a host with this Docker bridge and this resolver."""
    member, before = fleet().members[0], Before(f"nameserver {BEFORE}\n")
    return dns.resources(context(fleet(), member, None, bridge=ADDRESS, bridge_interface=BRIDGE, resolver=before))


@pytest.fixture(scope="module", autouse=True)
def bridge(engine: docker.DockerClient) -> Iterator[None]:
    network = engine.networks.create(
        "rollcall-test-dns",
        options={"com.docker.network.bridge.name": BRIDGE},
        ipam=IPAMConfig(pool_configs=[IPAMPool(subnet="10.99.53.0/24", gateway=ADDRESS)]),
    )
    yield
    network.remove()


@pytest.fixture
def folder(tmp_path: Path, catalog, resources: tuple[Resource, ...]) -> Path:
    """The forwarder's files as a deploy writes them, except for the test agent's port."""
    made = tmp_path / "dns"
    put(resources, dns.FOLDER, made)
    configuration = made / "dnsmasq.conf"
    text = configuration.read_text()
    # Only this bridge: the fleet's forwarder has port 53 of the others.
    text = text.replace("interface=br-*\n", "")
    configuration.write_text(text.replace("127.0.0.1#8600", f"127.0.0.1#{catalog.dns_port}"))
    return made


def start(
    engine: docker.DockerClient, resources: tuple[Resource, ...], folder: Path, image: Callable[[str], str], name: str
) -> Container:
    mounts = (Mount(str(folder), dns.FOLDER),)
    return run(engine, container(resources), name, image("rollcall/dns:0.1.0"), mounts=mounts)


@pytest.fixture
def resolver_of_before(
    engine: docker.DockerClient, image: Callable[[str], str], tmp_path: Path, resources: tuple[Resource, ...]
) -> Iterator[None]:
    """A resolver that knows only example.com."""
    made = tmp_path / "before"
    made.mkdir()
    (made / "dnsmasq.conf").write_text(
        f"listen-address={BEFORE}\nbind-interfaces\nno-resolv\nno-hosts\npid-file\nuser=dnsmasq\naddress=/example.com/192.0.2.1\n"
    )
    running = start(engine, resources, made, image, "rollcall-test-dns-before")
    yield
    remove(running)


@pytest.fixture
def forwarder(
    engine: docker.DockerClient,
    image: Callable[[str], str],
    folder: Path,
    resources: tuple[Resource, ...],
    resolver_of_before: None,
    until,
) -> Iterator[Container]:
    running = start(engine, resources, folder, image, "rollcall-test-dns")
    try:
        until(lambda: answers(ADDRESS, 53), "a forwarder that listens")
        yield running
    finally:
        remove(running)


@pytest.fixture
def resolver(forwarder: Container) -> Resolver:
    return Resolver()


def test_a_service_is_found_by_name_and_by_tag(resolver, catalog, until) -> None:
    catalog.register("one", "10.0.0.1")
    catalog.register("two", "10.0.0.2")
    both = ["10.0.0.1", "10.0.0.2"]
    until(lambda: resolver.ask("webserver-80.service.consul").addresses == both, "both instances")
    assert resolver.ask("http.webserver-80.service.consul").addresses == both
    assert resolver.ask_by_tcp("webserver-80.service.consul").addresses == both


def test_a_long_response_is_complete_over_tcp(resolver, catalog, until) -> None:
    for number in range(60):
        catalog.register(f"n{number}", f"10.0.1.{number}")
    until(lambda: len(resolver.ask_by_tcp("webserver-80.service.consul").addresses) == 60, "all sixty")


def test_no_response_is_cached(resolver, catalog, until) -> None:
    name = "webserver-80.service.consul"
    assert resolver.ask(name).code == NO_SUCH_NAME
    catalog.register("one", "10.0.0.1")
    until(lambda: resolver.ask(name).addresses == ["10.0.0.1"], "the instance", 2)
    catalog.deregister("one")
    until(lambda: resolver.ask(name).code == NO_SUCH_NAME, "the instance gone", 2)


def test_other_names_resolve_as_before_with_and_without_consul(resolver, catalog) -> None:
    assert resolver.ask("example.com").addresses == ["192.0.2.1"]
    catalog.container.pause()
    try:
        assert resolver.ask("example.com").addresses == ["192.0.2.1"]
    finally:
        catalog.container.unpause()


def test_changed_resolvers_take_effect_without_a_restart(resolver, folder: Path, until) -> None:
    new = folder / "new"
    new.write_text("")
    new.replace(folder / "upstream.conf")
    until(lambda: resolver.ask("example.com").code == REFUSED, "the old resolver not asked any more")
    new.write_text(f"nameserver {BEFORE}\n")
    new.replace(folder / "upstream.conf")
    until(lambda: resolver.ask("example.com").addresses == ["192.0.2.1"], "the new resolver asked")


def test_docker_stop_exits_0(forwarder) -> None:
    forwarder.stop(timeout=10)
    forwarder.reload()
    assert forwarder.attrs["State"]["ExitCode"] == 0


def test_dnsmasq_may_listen_on_new_bridges_and_nothing_else(forwarder) -> None:
    (user,) = {process["Uid"].split()[0] for process in processes(forwarder)}
    (group,) = {process["Gid"].split()[0] for process in processes(forwarder)}
    assert user != "0"
    assert_confined(forwarder, NET_BIND_SERVICE, user, group)
