"""Somebody who has the network and none of the fleet's secrets: a machine beside the hosts, or a container on one."""

import json
import shlex
import subprocess
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from asking import Ask, configuration
from deployed import Fleet, wait_for

from rollcall.consul import curl
from rollcall.consul.curl import Response
from rollcall.lab.dockerfile import local_name
from rollcall.lab.layout import CONSUL_VERSION, LABEL, NETWORK, PREFIX

CONSUL_IMAGE = f"hashicorp/consul:{CONSUL_VERSION}"
ADDRESS = "10.77.0.99"


@dataclass(frozen=True)
class Stranger:
    """Whoever runs shell commands there: `run` takes one and its standard input. `log` is what its agent says."""

    run: Callable[[str, str], str]
    log: Callable[[], str]

    def ask(self, asks: Iterable[Ask], base: str, *more: str) -> list[Response]:
        return curl.responses(self.run(curl.COMMAND, configuration(asks, base, more=more)))


def _engine(*arguments: str, stdin: str = "") -> str:
    """Run docker on the machine that the lab runs on; give what it printed on both streams, whatever its code."""
    output = subprocess.run(
        ["docker", *arguments], input=stdin, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    return output.stdout


@contextmanager
def neighbour(*command: str) -> Iterator[Stranger]:
    """A machine on the lab's network, whose owner is root; it runs an agent of its own, if `command` says so."""
    name = f"{PREFIX}-stranger"
    _engine("rm", "--force", name)
    program = command or ("sleep", "infinity")
    created = _engine(
        *("run", "--detach", "--init", f"--name={name}", f"--label={LABEL}=1", "--label=SERVICE_IGNORE=true"),
        *(f"--network={NETWORK}", f"--ip={ADDRESS}", "--cap-add=NET_ADMIN", f"--entrypoint={program[0]}"),
        *(local_name(CONSUL_IMAGE), *program[1:]),
    )
    try:
        wait_for(f"running {name}", lambda: "true" in _engine("inspect", "--format={{.State.Running}}", name), 5)
        yield Stranger(
            lambda line, stdin: _engine("exec", "--interactive", name, "sh", "-c", line, stdin=stdin),
            lambda: _engine("logs", name),
        )
    except AssertionError as problem:
        problem.add_note(created + _engine("logs", "--tail=20", name))
        raise
    finally:
        _engine("rm", "--force", "--volumes", name)


@contextmanager
def guest(fleet: Fleet, host: str) -> Iterator[Stranger]:
    """A user's container on a host's bridge, with everything that Docker gives to one by default."""
    name = f"stranger-{uuid.uuid4().hex[:6]}"
    run = f"docker run --detach --init --name {name} --env SERVICE_IGNORE=true --entrypoint sleep"
    try:
        fleet.on(host, f"{run} {CONSUL_IMAGE} infinity")
        yield Stranger(
            lambda line, stdin: fleet.on(
                host, f"docker exec --interactive {name} sh -c {shlex.quote(line)}", check=False, stdin=stdin
            ),
            lambda: fleet.on(host, f"docker logs {name} 2>&1"),
        )
    finally:
        fleet.on(host, f"docker rm --force --volumes {name}", check=False)


def agent(*flags: str, **settings: object) -> tuple[str, ...]:
    """Give the command of an agent that takes itself for one of the fleet's."""
    extra = f"-hcl={json.dumps(settings)}" if settings else "-log-level=info"
    return ("docker-entrypoint.sh", "agent", f"-bind={ADDRESS}", "-datacenter=dc1", "-domain=consul", extra, *flags)
