"""Measure how long a new container waits for its first request, and how long nginx lists a stopped or killed one.

On the lab, with everything between Docker's event and nginx's reload as deployed:

    docker run returned on app1  →  the new container's first response, 200, through the front on 127.0.0.1
    docker stop begun on app1    →  nginx serves a list without it
    docker kill begun on app1    →  nginx serves a list without it

All hosts of the lab share the machine's clock, so times from app1, front1 and here are comparable. The containers are
copies of webserver-1, created one after the other and removed; the lab is unchanged afterwards.
"""

import http.client
import json
import shlex
import statistics
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import click
from conditions import print_load, run
from rich.table import Table

from rollcall.config import inventory
from rollcall.console import out
from rollcall.errors import RollcallError
from rollcall.remote import connectivity, ssh

LABEL = "rollcall.bench=routing"
MODEL = "webserver-1"
ROUTED_SECONDS, DRAINED_SECONDS = 0.25, 0.15
GIVE_UP_SECONDS = 30
# bash watches without starting a process, to avoid slowing down the front. The front removes earlier generations once
# it has confirmed a new one: the new workers respond, and the old ones no longer accept.
GONE = """
cd /var/lib/rollcall/front
exec {{pause}}<> <(:)
while mapfile -d '' list <current/sites.conf; [[ $list == *" {endpoint} "* ]]; do read -t 0.01 -u "$pause"; done
while generations=(generation.*); [[ ${{#generations[@]}} != 1 ]]; do read -t 0.01 -u "$pause"; done
date +%s.%N
"""
# Between two requests to the front: 200 per second suffice to see a new instance without keeping a core busy.
PAUSE_SECONDS = 0.005


class Shell:
    """One persistent SSH connection, so that no measurement includes a handshake."""

    def __init__(self, host: inventory.Host) -> None:
        self.name = host.name
        command = ["ssh", *ssh.options(host), host.hostname, "bash"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self.process.stdin and self.process.stdout
        self.commands, self.output = self.process.stdin, self.process.stdout

    def send(self, script: str) -> None:
        self.commands.write(script + "\n")
        self.commands.flush()

    def line(self) -> str:
        line = self.output.readline()
        if not line:
            raise RollcallError(f"the shell on {self.name} exited; see its output above.")
        return line.strip()

    def run(self, script: str) -> str:
        """Return the last line that a script prints."""
        self.send(f"{{ {script}\n}} | tail -n 1; echo 'finished'")
        output = self.line()
        if output == "finished":
            raise RollcallError(f"on {self.name}, no output from: {script}")
        self.line()
        return output

    def close(self) -> None:
        self.commands.close()
        self.process.wait()


@contextmanager
def shell(host: inventory.Host) -> Iterator[Shell]:
    opened = Shell(host)
    try:
        yield opened
    finally:
        opened.close()


@dataclass(frozen=True)
class Sample:
    """Seconds."""

    routed: float
    drained: float
    gone: float
    gone_after_death: float


def run_command(model: dict[str, Any], name: str) -> str:
    """Return the command that starts a copy of the model under another name."""
    config, host = model["Config"], model["HostConfig"]
    # The engine chooses a new host port.
    published = [f"{binding['HostIp']}::{port}" for port, bound in host["PortBindings"].items() for binding in bound]
    return shlex.join(
        [
            *("docker", "run", "--detach", "--name", name, "--hostname", name, "--label", LABEL),
            *("--network", host["NetworkMode"]),
            *("--user", config["User"]),
            *(f"--cap-drop={capability}" for capability in host["CapDrop"]),
            *(f"--security-opt={option}" for option in host["SecurityOpt"]),
            *("--read-only", f"--memory={host['Memory']}", f"--pids-limit={host['PidsLimit']}"),
            *(f"--tmpfs={target}:{options}" for target, options in host["Tmpfs"].items()),
            *(f"--env={entry}" for entry in config["Env"]),
            *(f"--publish={entry}" for entry in published),
            *(f"--volume={mount['Source']}:{mount['Destination']}:ro" for mount in model["Mounts"]),
            config["Image"],
            *config["Cmd"],
        ]
    )


def first_answer(front: tuple[str, int], name: str) -> float:
    """Send requests to the front, each on a new connection, until the container responds."""
    deadline = time.time() + GIVE_UP_SECONDS
    while time.time() < deadline:
        connection = http.client.HTTPConnection(*front, timeout=5)
        try:
            connection.request("GET", "/json")
            response = connection.getresponse()
            body = response.read()
        finally:
            connection.close()
        if response.status == 200 and json.loads(body)["container"] == name:
            return time.time()
        time.sleep(PAUSE_SECONDS)
    raise RollcallError(f"{name} did not respond within {GIVE_UP_SECONDS} s; run `rollcall verify`.")


def until_gone(app: Shell, front: Shell, name: str, verb: str) -> tuple[float, float]:
    """Stop a container with `docker VERB`; return when that started and when it left nginx's list."""
    endpoint = app.run(f"docker port {name} 80/tcp")
    look = shlex.quote(GONE.format(endpoint=endpoint))
    front.send(f"echo watching; timeout {GIVE_UP_SECONDS} docker exec --user nginx front bash -c {look}")
    front.line()
    begun = float(app.run(f"date +%s.%N; docker {verb} {name} >/dev/null"))
    return begun, float(front.line())


def measure(app: Shell, front: Shell, address: tuple[str, int], model: dict[str, Any], number: int) -> Sample:
    name = f"bench-{number}"
    started = float(app.run(f"{run_command(model, name)} >/dev/null && date +%s.%N"))
    routed = first_answer(address, name) - started
    stopped, drained = until_gone(app, front, name, "stop")
    app.run(f"docker start {name}")
    first_answer(address, name)
    begun, gone = until_gone(app, front, name, "kill")
    died = float(app.run(f"date +%s.%N --date $(docker inspect --format '{{{{.State.FinishedAt}}}}' {name})"))
    app.run(f"docker rm --volumes {name}")
    return Sample(routed, drained - stopped, gone - begun, gone - died)


@click.command()
@click.argument("source", metavar="INVENTORY", default="inventories/lab.py")
@click.option("-n", "count", default=30, show_default=True, type=click.IntRange(20), help="How many containers.")
@click.option("--front", default="127.0.0.1:8080", show_default=True, help="Address of the front.")
def main(source: str, count: int, front: str) -> None:
    """Measure how fast the lab's front follows containers that start, stop and die."""
    hosts = {host.name: host for host in inventory.read(source).hosts}
    connectivity.check(list(hosts.values()))
    address, _, port = front.partition(":")
    with shell(hosts["app1"]) as app, shell(hosts["front1"]) as nginx:
        model = json.loads(app.run(f"docker inspect --format '{{{{json .}}}}' {MODEL}"))
        remove = f"docker ps -aq --filter label={LABEL} | xargs -r docker rm --force --volumes >/dev/null; echo"
        try:
            samples = []
            for number in range(1, count + 1):
                samples.append(measure(app, nginx, (address, int(port)), model, number))
                sample = samples[-1]
                figures = f"routed {sample.routed:.3f} s, drained {sample.drained:.3f} s, gone {sample.gone:.3f} s"
                out.print(f"[dim]{number}: {figures}[/]")
        finally:
            app.send(f"{remove}")
            app.line()
    report(samples)


def report(samples: list[Sample]) -> None:
    table = Table(title=f"From Docker to the front, lab, n = {len(samples)}")
    table.add_column("from → to")
    for column in ("median", "fastest", "slowest"):
        table.add_column(column, justify="right")
    rows = {
        "docker run returned → first 200 through the front": [sample.routed for sample in samples],
        "docker stop begun → out of nginx's list": [sample.drained for sample in samples],
        "docker kill begun → out of nginx's list": [sample.gone for sample in samples],
        "its process ended → out of nginx's list": [sample.gone_after_death for sample in samples],
    }
    for name, seconds in rows.items():
        figures = (statistics.median(seconds), min(seconds), max(seconds))
        table.add_row(name, *(f"{figure:.3f} s" for figure in figures))
    out.print(table)
    print_load()
    for name, wanted in zip(rows, (ROUTED_SECONDS, DRAINED_SECONDS), strict=False):
        median = statistics.median(rows[name])
        colour = "green" if median <= wanted else "red"
        out.print(f"{name}: [{colour}]{median:.3f} s[/] (wanted ≤ {wanted} s)")


if __name__ == "__main__":
    run(main)
