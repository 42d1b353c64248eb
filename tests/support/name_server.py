"""A real name server, BIND, with one zone that takes updates signed with a key."""

import base64
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.resolver
import docker
from front_world import LABELS
from image_for_tests import made
from removal import remove
from waiting import until

IMAGE = Path(__file__).parents[1] / "integration/front/bind"
ZONE = "example.com"
KEY_NAME = "rollcall"
_CONFIGURATION = """\
options {{
    directory "/tmp";
    listen-on {{ any; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    notify no;
    pid-file none;
    session-keyfile none;
}};
controls {{ }};
key "{key_name}" {{ algorithm hmac-sha256; secret "{key}"; }};
zone "{zone}" {{
    type primary;
    file "/tmp/zone";
    allow-update {{ key "{key_name}"; }};
}};
"""
_RECORDS = """\
$TTL 60
@ IN SOA ns hostmaster 1 3600 600 86400 60
@ IN NS ns
ns IN A ADDRESS
"""
_START = "sed s/ADDRESS/$(hostname -i)/ /etc/zone/zone >/tmp/zone && exec named -g -c /etc/zone/named.conf"


@dataclass(frozen=True)
class NameServer:
    """The running server: its container and address, and the key of updates."""

    container: str
    address: str
    key: str

    def texts(self, name: str) -> list[str]:
        """Return the TXT records of a name."""
        resolver = dns.resolver.Resolver(configure=False)
        resolver.nameservers = [self.address]
        try:
            found = resolver.resolve(name, "TXT", lifetime=5)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        return [b"".join(record.strings).decode() for record in found]

    def responds(self) -> bool:
        """Whether it serves the zone."""
        try:
            return self.texts(ZONE) == []
        except dns.exception.DNSException:
            return False


@contextmanager
def running(engine: docker.DockerClient, folder: Path) -> Iterator[NameServer]:
    """Run the server until the block ends."""
    key = base64.b64encode(os.urandom(32)).decode()
    folder.mkdir(parents=True)
    configuration = _CONFIGURATION.format(zone=ZONE, key=key, key_name=KEY_NAME)
    (folder / "named.conf").write_text(configuration)
    (folder / "zone").write_text(_RECORDS)
    container = engine.containers.run(
        made(engine, IMAGE),
        detach=True,
        labels=LABELS,
        entrypoint=["sh", "-c", _START],
        volumes={str(folder): {"bind": "/etc/zone", "mode": "ro"}},
    )
    try:
        container.reload()
        address = str(container.attrs["NetworkSettings"]["Networks"]["bridge"]["IPAddress"])
        server = NameServer(str(container.id), address, key)
        until(server.responds, "a name server")
        yield server
    finally:
        remove(container)
