"""Programs that write /etc/resolv.conf: the forwarder's line stays first, and can be withdrawn."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import docker
import pytest
from fresh_hosts import engine as docker_command
from image_for_tests import made
from resolver_host import BRIDGE, LEASED, NETWORK, ResolverHost

from rollcall.lab import hosts

# NetworkManager starts its hooks a moment after it has written the file.
SECONDS = 30


@dataclass(frozen=True)
class Writer:
    """A program by its packages; `write` makes it write the file anew."""

    packages: str
    write: str
    start: str = "true"


# What a VPN client or a DHCP client with resolvconf does.
ADD = f"echo 'nameserver {LEASED}' | resolvconf -a lan0.test; resolvconf -u"
INTERFACES = "printf 'iface lan0 inet dhcp\\n' >/etc/network/interfaces"
IFUPDOWN = "ifdown --force lan0; ifup lan0"
NETWORK_MANAGER = """
printf '[keyfile]\\nunmanaged-devices=interface-name:eth0\\n' >/etc/NetworkManager/conf.d/test.conf
systemctl restart NetworkManager && nm-online --quiet --wait-for-startup
nmcli connection add type ethernet ifname lan0 con-name lan ipv4.method auto ipv6.method disabled
"""
WRITERS = {
    "dhclient": Writer("isc-dhcp-client", "dhclient -r lan0; dhclient -1 lan0"),
    "dhcpcd": Writer("dhcpcd-base", "dhcpcd --ipv4only --oneshot --waitip=4 lan0"),
    "ifupdown with dhclient": Writer("ifupdown isc-dhcp-client", IFUPDOWN, INTERFACES),
    "ifupdown with dhcpcd": Writer("ifupdown dhcpcd-base", IFUPDOWN, INTERFACES),
    "resolvconf": Writer("resolvconf", f"resolvconf --enable-updates; {ADD}"),
    "openresolv": Writer("openresolv", ADD),
    "NetworkManager": Writer("network-manager", "nmcli connection up lan", NETWORK_MANAGER),
}


@pytest.fixture(scope="module")
def image(engine: docker.DockerClient) -> str:
    return made(engine, Path(__file__).parent / "resolver-host")


@pytest.fixture
def host(image: str, until) -> Iterator[ResolverHost]:
    container = docker_command("run", "--detach", *hosts.SYSTEMD, image)
    try:
        found = ResolverHost(container)
        until(found.boots, "a host that has booted", 60)
        found.run(NETWORK)
        yield found
    finally:
        docker_command("rm", "--force", "--volumes", container)


@pytest.mark.parametrize("writer", WRITERS.values(), ids=WRITERS)
def test_the_forwarder_stays_first(host: ResolverHost, writer: Writer, until) -> None:
    host.install(writer.packages)
    host.run(writer.start)
    host.run(writer.write)
    until(lambda: LEASED in host.servers(), "the leased server", SECONDS)
    before, theirs = host.state(), host.servers()
    assert not host.resolver().unknown_writer
    host.converge()
    assert host.servers()[0] == BRIDGE
    assert not host.pending()

    host.run("sed -i /./d $(readlink -f /etc/resolv.conf)")  # so that what stands there next is theirs
    host.run(writer.write)
    until(lambda: host.servers() == [BRIDGE, *theirs], "theirs behind the forwarder", SECONDS)
    assert not host.pending()

    host.converge(wanted=False)
    assert not host.pending(wanted=False)
    host.run(writer.write)
    until(lambda: host.servers() == theirs, "only theirs again", SECONDS)
    after = host.state()
    assert (after.texts, set(after.files)) == (before.texts, set(before.files))


def test_a_dhcp_client_without_a_hook_is_named(host: ResolverHost) -> None:
    host.install("udhcpc")
    host.run("udhcpc -i lan0 -n")
    assert host.servers() == [LEASED]
    assert host.resolver().unknown_writer == "udhcpc"
