"""Run pebble, Let's Encrypt's ACME authority for tests, with a name server by which every name leads to 127.0.0.1."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import requests

from rollcall.errors import RollcallError
from rollcall.lab import go
from rollcall.lab.layout import LOOPBACK
from rollcall.secrets import certificates
from rollcall.waiting import until

START_TIMEOUT_SECONDS = 30


@dataclass
class Pebble:
    """The running authority; `pair` are the files of its own TLS, which a proxy in front of it may use.

    `names` is where its own name server is told where names lead.
    """

    directory: str
    management: str
    names: str
    ca: Path
    pair: tuple[Path, Path]

    def root(self) -> str:
        """Return the root that its certificates chain up to; another one at each start."""
        return requests.get(f"{self.management}/roots/0", verify=str(self.ca), timeout=5).text

    def lead(self, address: str) -> None:
        """Let all names lead to this address, for the authority."""
        requests.post(f"{self.names}/set-default-ipv4", json={"ip": address}, timeout=5).raise_for_status()

    def responds(self) -> bool:
        """Return whether it serves its directory."""
        try:
            return requests.get(self.directory, verify=str(self.ca), timeout=5).ok
        except requests.RequestException:
            return False


@contextmanager
def pebble(
    folder: Path, ports: Sequence[int], http_port: int, name_server: str = "", address: str = LOOPBACK
) -> Iterator[Pebble]:
    """Run an authority until the block ends; it rejects 5 % of nonces on purpose.

    Args:
        folder: for its files; created.
        ports: four free ones.
        http_port: where it validates, at the addresses that its name server gives.
        name_server: ADDRESS:PORT of another name server than its own.
        address: this machine's, where the authority and a proxy in front of it may listen.

    Raises:
        RollcallError: it does not start.
    """
    folder.mkdir(parents=True, exist_ok=True)
    listen, management, dns, dns_management = ports
    ca, pair = _own_tls(folder, address)
    config = {
        "listenAddress": f"{address}:{listen}",
        "managementListenAddress": f"{LOOPBACK}:{management}",
        "certificate": str(pair[0]),
        "privateKey": str(pair[1]),
        "httpPort": http_port,
        "tlsPort": 1,
        "keyAlgorithm": "ecdsa",
        "retryAfter": {"authz": 1, "order": 1},
        "profiles": {"default": {"description": "as usual", "validityPeriod": 7776000}},
    }
    (folder / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = [str(go.build(go.PEBBLE_DNS)), "-dnsserver", f"{LOOPBACK}:{dns}", "-management"]
    names += [f"{LOOPBACK}:{dns_management}"]
    names += [part for flag in ("doh", "http01", "https01", "tlsalpn01", "defaultIPv6") for part in (f"-{flag}", "")]
    server = [str(go.build(go.PEBBLE)), "-config", str(folder / "pebble.json")]
    server += ["-dnsserver", name_server or f"{LOOPBACK}:{dns}"]
    with ExitStack() as stack:
        log = stack.enter_context((folder / "pebble.log").open("w"))
        stack.enter_context(_process(names, log))
        stack.enter_context(_process(server, log))
        running = Pebble(
            f"https://{address}:{listen}/dir",
            f"https://{LOOPBACK}:{management}",
            f"http://{LOOPBACK}:{dns_management}",
            ca,
            pair,
        )
        if not until(running.responds, START_TIMEOUT_SECONDS):
            raise RollcallError(f"pebble does not start; see {folder / 'pebble.log'}")
        yield running


def _own_tls(folder: Path, address: str) -> tuple[Path, tuple[Path, Path]]:
    signer = certificates.authority("pebble")
    issued = certificates.issue(signer, "pebble", sorted({LOOPBACK, address, "localhost"}), "server")
    ca, certificate, key = (folder / name for name in ("ca.pem", "cert.pem", "key.pem"))
    for path, text in ((ca, signer.certificate), (certificate, issued.certificate), (key, issued.key)):
        path.write_text(text)
    return ca, (certificate, key)


@contextmanager
def _process(arguments: list[str], log: TextIO) -> Iterator[None]:
    # Without a pause before it validates.
    started = subprocess.Popen(arguments, stdout=log, stderr=log, env={"PEBBLE_VA_NOSLEEP": "1"})
    try:
        yield
    finally:
        started.kill()
        started.wait()
