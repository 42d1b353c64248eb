"""Send an image of this machine to a host's engine, which fetches only the layers that it lacks.

The engine pulls from a registry on this machine, through a port of the host's loopback that ssh forwards here. So the
engine itself decides what it needs, with any kind of image store. Where sshd forwards no port, or the engine cannot
reach the port, send everything.
"""

import random
import shlex
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import IO, cast

from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.images.compressed import Compressor
from rollcall.images.registry import Offer, Registry
from rollcall.images.saved import Blob, Saved
from rollcall.program_output import reason
from rollcall.remote.run import Shell

# Below the kernel's ephemeral ports.
_PORTS = range(20000, 32768)
_ATTEMPTS = 3
_REFUSED = "remote port forwarding failed"
# ssh itself detects a dead connection within 15 s; a slow one may take long.
_TIMEOUT_SECONDS = 6 * 3600
_REPORT_SECONDS = 10

_PULL = """\
trap 'docker rmi {reference} >/dev/null 2>&1' EXIT
docker pull {reference} >/dev/null && docker tag {reference} {name}"""


@dataclass(frozen=True)
class Sent:
    """The bytes of the image that were sent, what compression made of them, and the duration."""

    bytes: int
    on_the_wire: int
    seconds: float


def send(host: Host, name: str, image: Saved, registry: Registry, report: Callable[[Offer], None]) -> Sent:
    """Send an image to a host under this name.

    Args:
        host: the host.
        name: of the image, with its tag.
        image: the image as this machine's engine saved it.
        registry: an open registry.
        report: receives the progress every few seconds.

    Raises:
        RollcallError: the transfer failed.
    """
    started = time.monotonic()
    with registry.offered(image) as offer, _reporting(offer, report):
        if host.connector == "local":
            _pull(Shell(host), name, offer, registry.port)
        elif not _pulled_through(host, name, offer, registry.port):
            _load(host, name, offer, registry.compressor)
        return Sent(offer.sent, offer.on_the_wire, time.monotonic() - started)


def _pulled_through(host: Host, name: str, offer: Offer, port: int) -> bool:
    """Pull through a forwarded port; return False if the engine cannot reach the registry.

    Then sshd forwards no port, or the engine has another loopback.

    Raises:
        RollcallError: the engine reached the registry and failed to pull.
    """
    for _ in range(_ATTEMPTS):
        there = random.choice(_PORTS)  # noqa: S311 - not security-relevant
        forward = ["-R", f"127.0.0.1:{there}:127.0.0.1:{port}", "-o", "ExitOnForwardFailure=yes"]
        own = [*forward, "-o", "ControlMaster=no", "-o", "ControlPath=none"]
        try:
            _pull(Shell(host, own), name, offer, there)
        except RollcallError as problem:
            if offer.requested:
                raise
            if _REFUSED not in str(problem):
                return False
            continue
        return True
    return False


def _pull(shell: Shell, name: str, offer: Offer, port: int) -> None:
    reference = offer.reference(f"127.0.0.1:{port}")
    shell.read(_PULL.format(reference=reference, name=shlex.quote(name)), timeout_seconds=_TIMEOUT_SECONDS)


def _load(host: Host, name: str, offer: Offer, compressor: Compressor) -> None:
    archive = offer.image.archive
    whole = Blob(archive, 0, archive.stat().st_size)
    line = Shell(host).arguments("docker load --quiet")
    with subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        stdin = cast(IO[bytes], process.stdin)
        # If the host closes the connection, its errors contain the reason.
        with suppress(BrokenPipeError):
            offer.send(whole, compressor.copy(whole), stdin.write)
        _, errors = process.communicate()
    if process.returncode != 0:
        why = reason(errors.decode(errors="replace")) or f"exit code {process.returncode}"
        raise RollcallError(f"on {host.name}: cannot load {name}: {why}")


@contextmanager
def _reporting(offer: Offer, report: Callable[[Offer], None]) -> Iterator[None]:
    over = threading.Event()

    def run() -> None:
        while not over.wait(_REPORT_SECONDS):
            report(offer)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
