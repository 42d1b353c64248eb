"""A host in a container with an engine of its own; its ports are tried from containers, other hosts, and visitors."""

import socket
import struct
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from fresh_hosts import engine

from rollcall.lab import hosts

FLEET = "10.99.54.0/24"
VISITORS = "10.99.55.0/24"
BRIDGE = "172.17.0.1"
NAME = "consul.service.consul"
ADDRESS = "192.0.2.80"
PUBLISHED = 8080
TCP = (22, 80, 443, 8300, 8301, 8501)
SERF = 8301
VRRP = 112
SECONDS = 3
BOX = "test-box"
# Programs of the fleet: what a container asks of its host, and what a host offers others.
PROGRAMS = {
    "names": f"dnsmasq --keep-in-foreground --conf-file=/dev/null --no-resolv --no-hosts --bind-dynamic --user=root "
    f"--listen-address={BRIDGE} --address=/consul/{ADDRESS}",
    "agent": f"busybox httpd -f -p {BRIDGE}:8500 -h /srv/www",
    **{f"tcp-{port}": f"socat TCP-LISTEN:{port},fork,reuseaddr SYSTEM:true" for port in TCP},
    "serf": f"socat UDP-RECVFROM:{SERF},fork EXEC:cat",
    "vrrp": f"socat -u IP-RECV:{VRRP} OPEN:/run/vrrp,creat,append",
}


@dataclass(frozen=True)
class FirewallHost:
    """`fleet` and `visitors` are its addresses in the networks of these."""

    container: str
    fleet: str
    visitors: str

    def run(self, line: str) -> str:
        return engine("exec", self.container, "sh", "-c", line)

    def has(self, line: str) -> bool:
        return self.run(f"({line}) >/dev/null 2>&1 && echo yes || true") == "yes"

    def prepare(self) -> None:
        """Start what a fleet has, and containers that ask for it: one on each kind of network."""
        self.run(f"echo 'nameserver {BRIDGE}' >/etc/resolv.conf")
        self.run(f"tar -C /box -c . | docker import - {BOX}")
        self.run("docker network create --driver bridge own")
        for network in ("bridge", "own"):
            self.run(f"docker run --detach --restart=always --network={network} --name=on-{network} {BOX} sleep 1d")
        publish = f"--publish={PUBLISHED}:80 --volume=/srv/www:/www --name=web"
        self.run(f"docker run --detach --restart=always {publish} {BOX} httpd -f -h /www")
        for name, command in PROGRAMS.items():
            self.run(f"systemd-run --quiet --unit=fleet-{name} --property=Restart=always {command}")

    def for_containers(self, network: str) -> set[str]:
        """What a container on a network has of its host."""
        inside = f"docker exec on-{network} busybox timeout {SECONDS}"
        agent = f"wget -q -O - http://{BRIDGE}:8500/ | grep served"
        ways = {"names": f"nslookup {NAME} | grep {ADDRESS}", "8500": agent}
        return _working({what: partial(self.has, f"{inside} {line}") for what, line in ways.items()})

    def for_hosts(self, address: str) -> set[str]:
        """What another host, or a visitor, has at an address."""
        tcp = {f"{port}/tcp": partial(_connects, address, port) for port in (*TCP, PUBLISHED)}
        others = {f"{SERF}/udp": partial(_echoes, address, SERF), "vrrp": partial(self._hears, address)}
        return _working({**tcp, **others})

    def _hears(self, address: str) -> bool:
        """Whether a packet of VRRP arrives, told from earlier ones by the address it came to."""
        word = f"to {address}"
        self.run(": >/run/vrrp")
        with socket.socket(socket.AF_INET, socket.SOCK_RAW, VRRP) as sender:
            sender.sendto(word.encode(), (address, 0))
        return self.has(f"timeout {SECONDS} sh -c 'until grep -q \"{word}\" /run/vrrp; do sleep 0.1; done'")


def _working(ways: Mapping[str, Callable[[], bool]]) -> set[str]:
    """Try all ways at once, since those that a firewall drops take until their timeout."""
    with ThreadPoolExecutor() as pool:
        tried = {what: pool.submit(way) for what, way in ways.items()}
    return {what for what, attempt in tried.items() if attempt.result()}


def _connects(address: str, port: int) -> bool:
    try:
        socket.create_connection((address, port), SECONDS).close()
    except OSError:
        return False
    return True


def _echoes(address: str, port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(SECONDS)
        client.sendto(struct.pack("!I", port), (address, port))
        try:
            return client.recv(16) == struct.pack("!I", port)
        except OSError:
            return False


@contextmanager
def started(image: str, until: Callable[..., object]) -> Iterator[FirewallHost]:
    """Start a host that is in both networks, with its engine up."""
    networks = {"rollcall-test-fleet": FLEET, "rollcall-test-visitors": VISITORS}
    addresses = [subnet.replace("0/24", "21") for subnet in networks.values()]
    container = ""
    try:
        for network, subnet in networks.items():
            engine("network", "create", f"--subnet={subnet}", network)
        (fleet, visitors), at = networks, f"--ip={addresses[0]}"
        store = "--mount=type=volume,target=/var/lib/docker"
        container = engine("create", *hosts.SYSTEMD, store, f"--network={fleet}", at, image)
        engine("network", "connect", f"--ip={addresses[1]}", visitors, container)
        engine("start", container)
        host = FirewallHost(container, *addresses)
        until(lambda: host.has("docker version"), "an engine", 120)
        host.prepare()
        yield host
    finally:
        if container:
            engine("rm", "--force", "--volumes", container)
        for network in networks:
            engine("network", "rm", network)
