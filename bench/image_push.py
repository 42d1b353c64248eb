"""Compare the push of an image whose last layer changed with `docker save | ssh docker load`: bytes and seconds.

    python bench/image_push.py [ADDRESS:PORT]

The host is the lab's app1 (`rollcall lab up`), or any host that accepts the lab's key. The image has 300 MB of
incompressible data, so the figures show the layers and not ssh's compression.
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from rollcall.config.inventory import Host
from rollcall.images import build, registry, saved, transfer
from rollcall.lab import keys
from rollcall.lab.layout import HOSTS
from rollcall.remote.run import Shell

NAME = "rollcall-bench/image-push"
MEGABYTE = 1_000_000
LAYERS = {"base": 250 * MEGABYTE, "middle": 50 * MEGABYTE, "last": MEGABYTE // 10}


class Counter:
    """A loopback port that forwards to the host and counts the bytes sent there."""

    def __init__(self, address: str, port: int) -> None:
        self.target = (address, port)
        self.bytes = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def host(self) -> Host:
        port = self.listener.getsockname()[1]
        trust = {"ssh_strict_host_key_checking": "no"}
        return Host("host", "ssh", "127.0.0.1", port, "root", keys.USER_KEY, Path(os.devnull), data=trust)

    def _accept(self) -> None:
        while True:
            here, _ = self.listener.accept()
            there = socket.create_connection(self.target)
            threading.Thread(target=self._copy, args=(here, there, True), daemon=True).start()
            threading.Thread(target=self._copy, args=(there, here, False), daemon=True).start()

    def _copy(self, source: socket.socket, target: socket.socket, counted: bool) -> None:
        while chunk := source.recv(1 << 16):
            self.bytes += len(chunk) if counted else 0
            target.sendall(chunk)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def images() -> Iterator[tuple[str, str]]:
    """Build two images that differ in their last layer."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        for name, size in LAYERS.items():
            (Path(folder) / name).write_bytes(os.urandom(size))
        copies = "\n".join(f"COPY {name} /" for name in LAYERS)
        (Path(folder) / "Dockerfile").write_text(f'FROM scratch\n{copies}\nCMD ["/none"]\n')
        tags = (f"{NAME}:1", f"{NAME}:2")
        for tag in tags:
            (Path(folder) / "last").write_bytes(os.urandom(LAYERS["last"]))
            subprocess.run(["docker", "build", "--quiet", f"--tag={tag}", folder], check=True, capture_output=True)
    try:
        yield tags
    finally:
        subprocess.run(["docker", "rmi", *tags], check=False, capture_output=True)


def push(counter: Counter, tag: str) -> None:
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder, registry.registry() as opened:
        archive = Path(folder) / "image.tar"
        subprocess.run(["docker", "save", f"--output={archive}", tag], check=True)
        transfer.send(counter.host, tag, saved.read(archive, build.engine_platform()), opened, lambda _: None)


def load(counter: Counter, tag: str) -> None:
    line = Shell(counter.host, ["-C"]).arguments("docker load --quiet")
    with subprocess.Popen(["docker", "save", tag], stdout=subprocess.PIPE) as save:
        subprocess.run(line, stdin=save.stdout, check=True, capture_output=True)


def measured(counter: Counter, work: Callable[[Counter, str], None], tag: str) -> str:
    before, started = counter.bytes, time.monotonic()
    work(counter, tag)
    return f"{(counter.bytes - before) / MEGABYTE:8.1f} MB {time.monotonic() - started:7.1f} s"


def main() -> None:
    lab = next(f"127.0.0.1:{host.ssh_port}" for host in HOSTS if host.name == "app1")
    address, _, port = (sys.argv[1] if len(sys.argv) > 1 else lab).rpartition(":")
    counter = Counter(address, int(port))
    shell = Shell(counter.host)
    with images() as (first, second):
        rows = []
        for name, work in (("rollcall's push", push), ("docker save | ssh docker load", load)):
            shell.run(f"docker rmi {first} {second}")
            rows.append((name, measured(counter, work, first), measured(counter, work, second)))
        shell.run(f"docker rmi {first} {second}")
    print(f"{'':30} {'first push':>22} {'last layer changed':>22}")
    for name, once, again in rows:
        print(f"{name:30} {once:>22} {again:>22}")


if __name__ == "__main__":
    if shutil.which("docker") is None:
        sys.exit("the docker command is missing on this machine")
    main()
