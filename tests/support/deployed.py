"""The deployed lab, and the few things that tests do to it and read from it."""

import json
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from asking import Ask, configuration

from rollcall.cli.deploy import checked_fleet
from rollcall.config.project import CHECKOUT
from rollcall.consul import curl
from rollcall.consul.curl import Response
from rollcall.deploy.readiness import CONSUL_IS_READY, CONTAINERS_STAY_UP
from rollcall.remote import ssh
from rollcall.secrets import deployed, store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import Secrets

PROJECT = CHECKOUT
LAB = "inventories/lab.py"
FRONT = "http://127.0.0.1:8080"
# Every agent's own, as its host sees it.
API = "http://127.0.0.1:8500"


def rollcall(*arguments: str, code: int = 0) -> str:
    """Run the command as a user does; give what it printed on both streams."""
    done = subprocess.run(
        [sys.executable, "-c", "from rollcall.cli.main import main; main()", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout
    return done.stdout


class Fleet:
    """The lab, deployed."""

    def __init__(self) -> None:
        chosen, self.declared = checked_fleet(LAB)
        self.hosts = {host.name: host for host in chosen.hosts}

    def on(self, host: str, command: str, *, check: bool = True, stdin: str = "") -> str:
        """Run a shell command on a host; give its output."""
        argv = ["ssh", *ssh.options(self.hosts[host]), self.hosts[host].hostname, command]
        done = subprocess.run(argv, input=stdin, capture_output=True, text=True, check=False)
        assert done.returncode == 0 or not check, f"{host}: {command}: {done.stderr}"
        return done.stdout.strip()

    def secrets(self) -> Secrets:
        """Give the secrets that the lab was deployed with, read again each time: they may have been rotated."""
        return store.read(PrivateDirectory(deployed.folder_of(PROJECT, PROJECT / LAB), draft=True), self.declared)

    def ask(
        self, host: str, asks: Iterable[Ask], token: str, more: Sequence[str] = (), *, check: bool = True
    ) -> list[Response]:
        """Ask a host's own agent several things."""
        given = configuration(asks, API, token, more)
        return curl.responses(self.on(host, curl.COMMAND, check=check, stdin=given))

    def deploy(self) -> "Run":
        """Deploy, and give pyinfra's own account of it."""
        done = subprocess.run(
            [sys.executable, "-m", "pyinfra", LAB, "deploy.py", "-y", "--json"],
            cwd=PROJECT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return Run(json.loads(done.stdout[done.stdout.index("{") :]), done.stderr)

    def containers(self, host: str) -> dict[str, str]:
        """Give the ids of a host's running containers by name."""
        lines = self.on(host, "docker ps --no-trunc --format '{{.Names}} {{.ID}}'").splitlines()
        return dict(line.split() for line in lines)

    def all_containers(self) -> dict[str, str]:
        return {f"{host}/{name}": found for host in self.hosts for name, found in self.containers(host).items()}

    def consul(self, path: str, host: str = "app1") -> Any:
        """Ask a host's own agent, as the operator; None where it says a sentence, as while there is no leader."""
        said = self.ask(host, [Ask("GET", path)], self.secrets().tokens.secret("operator"), check=False)
        try:
            return json.loads(said[0].body)
        except (IndexError, json.JSONDecodeError):
            return None


WAITS = {CONSUL_IS_READY, CONTAINERS_STAY_UP}


class Run:
    """What one deploy did: `changed` names the hosts where it changed anything.

    Waiting is no change: on a busy machine a server may be unhealthy for a moment (last contact over 200 ms).
    """

    def __init__(self, account: dict[str, Any], log: str) -> None:
        operations = account["results"]["operations"]
        self.changed = {
            host for operation in operations if not WAITS & set(operation["names"]) for host in operation["success"]
        }
        self.log = log


def status(url: str = FRONT, timeout: float = 5) -> int:
    """Give the status of a request through the front; 0 if there was no answer at all."""
    try:
        with urllib.request.urlopen(url, timeout=timeout) as answer:
            answer.read()
            return int(answer.status)
    except urllib.error.HTTPError as refused:
        return refused.code
    except OSError:
        return 0


def answering(requests: int = 60) -> set[str]:
    """Give the backends, as host/container, that answer some requests through the front."""
    seen = set()
    for _ in range(requests):
        with urllib.request.urlopen(f"{FRONT}/json", timeout=5) as answer:
            page = json.load(answer)
        seen.add(f"{page['host']}/{page['container']}")
    return seen


def wait_for(what: str, condition: Callable[[], Any], seconds: float = 30) -> Any:
    """Wait until the condition gives something true; else fail, saying what was missing and what was there."""
    end = time.monotonic() + seconds
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < end, f"after {seconds} s still no {what}; last: {found!r}"
        time.sleep(0.1)


BACKENDS = {f"{host}/{name}" for host in ("app1", "app2") for name in ("webserver-1", "webserver-2", "nginx-1")}


def healthy(fleet: Fleet) -> Any:
    health = fleet.consul("/v1/operator/autopilot/health")
    return health and health.get("Healthy") and len(health["Servers"]) == 3
