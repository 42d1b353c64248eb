"""Declare services beside a copy of the lab's inventory, and run Rollcall with it."""

import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import program

from rollcall.config.inventory import Host, read
from rollcall.remote import connectivity

LAB = program.ROOT / "inventories" / "lab.py"
IMAGE = "nginx:1.30"
PORT = 8000
# nginx's configuration of a web app that responds with its version, after the second that an app takes to start.
SERVER = f'server {{{{ listen {PORT}; location / {{{{ return 200 "{{version}}"; }}}} }}}}'
PROGRAM = "sleep {start}; echo '{server}' >/etc/nginx/conf.d/default.conf; exec nginx -g 'daemon off;'"


def web_app(name: str, version: str, *, start: float = 1, **more: Any) -> dict[str, Any]:
    """Return the declaration of a web app at NAME.example.com that serves `start` seconds after its container runs."""
    script = PROGRAM.format(start=start, server=SERVER.format(version=version))
    return {
        "name": name,
        "image": IMAGE,
        "ports": [PORT],
        "routes": [{"host": f"{name}.example.com"}],
        "health": {"interval": "1s"},
        "command": ["sh", "-c", script],
        **more,
    }


@dataclass(frozen=True)
class Declared:
    """An inventory whose services can be written."""

    inventory: str

    def write(self, services: Sequence[dict[str, Any]]) -> None:
        """Declare the services of the hosts app1 and app2."""
        file = Path(self.inventory).parent / "group_data" / "backends.py"
        file.write_text(f"services = {list(services)!r}\n")

    def rollcall(self, *arguments: str, code: int = 0) -> float:
        """Run Rollcall; return the seconds it took. Raises RollcallError: another exit code."""
        started = time.monotonic()
        program.rollcall(arguments[0], self.inventory, *arguments[1:], code=code)
        return time.monotonic() - started

    def hosts(self) -> dict[str, Host]:
        """Return the hosts by name. Raises RollcallError: one is not reachable."""
        hosts = read(self.inventory).hosts
        connectivity.check(hosts)
        return {host.name: host for host in hosts}


@contextmanager
def declared() -> Iterator[Declared]:
    """Yield the inventory without services; at the end the lab has its own again, and none of these."""
    with TemporaryDirectory(prefix="rollcall-bench-") as folder:
        # Secrets and identity go by the inventory's file name.
        shutil.copy(LAB, Path(folder) / LAB.name)
        (Path(folder) / "group_data").mkdir()
        found = Declared(str(Path(folder) / LAB.name))
        found.write(())
        try:
            yield found
        finally:
            Declared(str(LAB)).rollcall("deploy", "--yes")
