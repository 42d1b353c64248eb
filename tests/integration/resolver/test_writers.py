"""Programs that write /etc/resolv.conf: the forwarder's line stays first, and can be withdrawn.

Each is installed from Debian into a container with a network of its own, where a DHCP server names a name server.
"""

import io
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass

import docker
import pytest
from docker.models.containers import Container

from rollcall.components.resolver import Resolver
from rollcall.components.resolver_files import announced, withdrawn
from rollcall.converge import docker_commands
from rollcall.converge.resources import AbsentFile, File, LeadingLine, Resource
from rollcall.lab.layout import DEBIAN_SUITE, PREFIX

BRIDGE = "172.17.0.1"
LINE = f"nameserver {BRIDGE}"
LEASED = "192.0.2.53"
# NetworkManager starts its hooks a moment after it has written the file.
SECONDS = 30
NETWORK = f"""
umount /etc/resolv.conf; echo 'nameserver 192.0.2.99' >/etc/resolv.conf
ip netns add lan && ip link add lan0 type veth peer name lan1 netns lan && ip link set lan0 up
ip -n lan address add 192.0.2.1/24 dev lan1 && ip -n lan link set lan1 up
ip netns exec lan dnsmasq --port=0 --interface=lan1 --dhcp-range=192.0.2.10,192.0.2.20 \
  --dhcp-option=option:dns-server,{LEASED} --dhcp-leasefile=/run/leases --pid-file=/run/lan.pid
"""


@dataclass(frozen=True)
class Writer:
    """A program by its packages and the facts that a deploy reads of it; `write` makes it write the file anew."""

    packages: str
    write: str
    programs: tuple[str, ...] = ()
    active: tuple[str, ...] = ()
    start: str = "true"


RESOLVCONF = f"echo 'nameserver {LEASED}' | resolvconf -a lan0.test"
NETWORK_MANAGER = """
mkdir -p /run/dbus && dbus-daemon --system --fork
printf '[keyfile]\\nunmanaged-devices=interface-name:eth0\\n' >/etc/NetworkManager/conf.d/test.conf
NetworkManager && nm-online --quiet
nmcli connection add type ethernet ifname lan0 con-name lan ipv4.method auto ipv6.method disabled
"""
WRITERS = {
    "dhclient": Writer("isc-dhcp-client", "dhclient -r lan0; dhclient -1 lan0", ("dhclient",)),
    "dhcpcd": Writer("dhcpcd-base", "dhcpcd --ipv4only --oneshot --waitip=4 lan0", ("dhcpcd",)),
    "resolvconf": Writer(
        "resolvconf",
        f"resolvconf --enable-updates; {RESOLVCONF}",
        ("resolvconf",),
        start="ln -sf /run/resolvconf/resolv.conf /etc/resolv.conf",
    ),
    "openresolv": Writer("openresolv", RESOLVCONF, ("openresolv",)),
    "NetworkManager": Writer(
        "network-manager dbus", "nmcli connection up lan", active=("NetworkManager",), start=NETWORK_MANAGER
    ),
}


def run(container: Container, line: str, *, check: bool = True) -> str:
    code, output = container.exec_run(["sh", "-c", line])
    assert code == 0 or not check, f"{line}: {output.decode()}"
    return str(output.decode())


def put(container: Container, resources: tuple[Resource, ...]) -> None:
    """Do what a deploy does with these."""
    for resource in resources:
        match resource:
            case File():
                content = io.BytesIO()
                with tarfile.open(fileobj=content, mode="w") as tar:
                    entry = tarfile.TarInfo(resource.path)
                    entry.size, entry.mode = len(resource.text), resource.mode
                    tar.addfile(entry, io.BytesIO(resource.text.encode()))
                container.put_archive("/", content.getvalue())
            case AbsentFile():
                run(container, docker_commands.remove_file(resource))
            case LeadingLine() if resource.present or run(
                container, f"grep -xF '{resource.line}' {resource.path}", check=False
            ):
                run(container, docker_commands.leading_line(resource))


@pytest.fixture(params=WRITERS)
def writer(request: pytest.FixtureRequest) -> Writer:
    return WRITERS[request.param]


@pytest.fixture
def host(engine: docker.DockerClient, writer: Writer) -> Iterator[Container]:
    container = engine.containers.run(
        f"{PREFIX}/debian:{DEBIAN_SUITE}-slim",
        ["sleep", "infinity"],
        detach=True,
        init=True,
        cap_add=["NET_ADMIN", "SYS_ADMIN"],
        security_opt=["apparmor=unconfined", "seccomp=unconfined"],
    )
    try:
        install = "apt-get install --quiet --yes --no-install-recommends iproute2 dnsmasq-base"
        run(container, f"apt-get update --quiet && DEBIAN_FRONTEND=noninteractive {install} {writer.packages}")
        run(container, NETWORK)
        run(container, writer.start)
        yield container
    finally:
        container.remove(force=True)


def servers(container: Container) -> list[str]:
    lines = run(container, "cat /etc/resolv.conf").splitlines()
    return [line for line in lines if line.startswith("nameserver")]


def test_the_forwarder_stays_first(host: Container, writer: Writer, until) -> None:
    run(host, writer.write)
    until(lambda: f"nameserver {LEASED}" in servers(host), "the leased server", SECONDS)
    assert LINE not in servers(host)
    text = run(host, "cat /etc/resolv.conf")
    resolver = Resolver(text, active=frozenset(writer.active), programs=frozenset(writer.programs))
    assert not resolver.unknown_writer
    put(host, announced(BRIDGE, "consul", resolver))
    assert servers(host)[0] == LINE

    run(host, "sed -i /./d $(readlink -f /etc/resolv.conf)")  # so that what stands there next is theirs
    run(host, writer.write)
    until(lambda: servers(host) == [LINE, f"nameserver {LEASED}"], "both, the forwarder first", SECONDS)

    put(host, withdrawn(BRIDGE, resolver))
    run(host, writer.write)
    until(lambda: servers(host) == [f"nameserver {LEASED}"], "only the leased server again", SECONDS)
