"""A person with a project of their own and one real machine."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rollcall.lab.layout import LOOPBACK
from rollcall.lab.machines.machine import ADDRESS, Machine

INVENTORY = "inventories/production.py"
TEMPLATE = """\
_machine = ("{name}", {{
    "ssh_hostname": "{hostname}", "ssh_port": {port}, "ssh_key": "{key}", "ssh_known_hosts_file": "{known_hosts}",
    {login}, "address": "{address}", "image_source": "push", "timeout_factor": 10,
}})
consul_servers = [_machine]
backends = [_machine]
fronts = [_machine]
"""
LOGINS = {"root": '"ssh_user": "root"', "sudo": '"ssh_user": "admin", "_sudo": True'}


@dataclass
class User:
    """`figures` are the seconds that things took."""

    machine: Machine
    project: Path
    figures: dict[str, float] = field(default_factory=dict)

    def logs_in_as(self, login: str) -> None:
        machine = self.machine
        text = TEMPLATE.format(
            name=machine.suite,
            hostname=LOOPBACK,
            port=machine.ssh_port,
            key=machine.user_key,
            known_hosts=machine.known_hosts,
            login=LOGINS[login],
            address=ADDRESS,
        )
        (self.project / INVENTORY).write_text(text)

    def rollcall(self, verb: str, *options: str) -> str:
        """Run a command on the inventory, and give what it printed on both streams."""
        command = [sys.executable, "-m", "rollcall", "--project", str(self.project), verb, *options, INVENTORY]
        done = subprocess.run(
            command, cwd=self.project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )
        assert done.returncode == 0, done.stdout
        return done.stdout

    @contextmanager
    def measured(self, what: str) -> Iterator[None]:
        started = time.monotonic()
        yield
        self.figures[what] = time.monotonic() - started
