"""Share tools among the benchmarks on this machine's loopback: a temporary Consul, containers, and waiting."""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import consul
import docker
import requests
from docker.models.containers import Container

from rollcall.errors import RollcallError
from rollcall.lab import go

GIVE_UP_SECONDS = 60
DNS_PORT_OFF = ["-dns-port=-1", "-grpc-port=-1", "-grpc-tls-port=-1", "-serf-wan-port=-1"]
# Ports of the temporary Consul, below the kernel's ephemeral ports.
HTTP, SERF, SERVER = 28500, 28501, 28502
# As in a deploy's agents: consul-template keeps a connection for each service.
LIMITS = "-hcl=limits { http_max_conns_per_client = 8192 }"


def until(condition: Callable[[], Any], what: str, seconds: float = GIVE_UP_SECONDS) -> Any:
    """Wait for a condition and return its value.

    Raises:
        RollcallError: the condition did not become true in time.
    """
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise RollcallError(f"timed out after {seconds:g} s: {what}.")
        time.sleep(0.005)
    return value


@contextmanager
def process(command: list[str], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as output:
        running = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **environment})
    try:
        yield running
    finally:
        running.send_signal(signal.SIGTERM)
        running.wait(10)


@contextmanager
def consul_agent(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    ports = [f"-http-port={HTTP}", f"-serf-lan-port={SERF}", f"-server-port={SERVER}", *DNS_PORT_OFF]
    command = [str(go.build(go.CONSUL)), "agent", "-dev", "-node=bench", "-bind=127.0.0.1", "-log-level=warn", LIMITS]
    command += ports
    api = consul.Consul(port=HTTP)

    def has_leader() -> bool:
        try:
            return bool(api.status.leader()) and bool(api.catalog.nodes()[1])
        except (OSError, requests.RequestException, consul.ConsulException):
            return False

    with process(command, folder / "consul.log") as running:
        until(has_leader, "a Consul with a leader")
        yield running


@contextmanager
def container(
    engine: docker.DockerClient, image: str, command: list[str], mounts: Mapping[Path, str], label: str
) -> Iterator[Container]:
    """Run a program in a container on the host's network, with this machine's files mounted at these paths."""
    running = engine.containers.run(
        image,
        command[1:],
        entrypoint=command[:1],
        detach=True,
        network_mode="host",
        labels={"rollcall.bench": label},
        volumes=[f"{source}:{target}:ro" for source, target in mounts.items()],
        # As a deploy does.
        log_config=docker.types.LogConfig(type="json-file", config={"max-size": "10m", "max-file": "3"}),
    )
    try:
        yield running
    except RollcallError as error:
        log_end = running.logs(tail=5).decode(errors="replace").strip()
        raise RollcallError(f"{error}\nThe log of {command[0]} in {image} ends:\n{log_end}") from error
    finally:
        running.remove(force=True, v=True)


def remove_containers(engine: docker.DockerClient, label: str) -> None:
    """Remove containers of an interrupted run."""
    for left in engine.containers.list(all=True, filters={"label": f"rollcall.bench={label}"}):
        left.remove(force=True, v=True)
