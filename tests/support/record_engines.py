"""Record what each Docker Engine of the lab says of the same containers: `python tests/support/record_engines.py`.

Needs `rollcall lab up --engines 20.10,26.1,28.5,newest`. Everything that it starts is gone afterwards.
"""

import json
from pathlib import Path
from typing import Any

from docker.constants import MINIMUM_DOCKER_API_VERSION

from rollcall import command, sections
from rollcall.converge import docker_commands, host_state
from rollcall.converge.docker_query import SOCKET, Wanted
from rollcall.converge.resources import Container, Mount, Network, PublishedPort, Tmpfs, Volume
from rollcall.lab import hosts
from rollcall.lab.layout import ENGINES, HOSTS, LabHost

DOCUMENTS = Path(__file__).parent / "documents"
NETWORK, VOLUME, IMAGE = Network("rec"), Volume("rec"), "nginx:1.30"
SLEEP = ("sleep", "600")
PUBLISHED = Container(
    "rec-published",
    IMAGE,
    "recorded",
    environment=(("SERVICE_NAME", "web"), ("SERVICE_80_TAGS", "http")),
    command=SLEEP,
    network=NETWORK.name,
    hostname="published",
    ports=(PublishedPort(80, "127.0.0.1", "20000-20999"), PublishedPort(443, "127.0.0.1")),
    exposed=(8081,),
    mounts=(Mount("/etc/os-release", "/etc/host-release"), Mount(VOLUME.name, "/data", read_only=False)),
    tmpfs=(Tmpfs("/run"),),
    user="101:101",
    add_capabilities=("NET_ADMIN",),
    configuration="c0ffee",
)
HOST = Container(
    "rec-host", IMAGE, "recorded", command=SLEEP, network="host", exposed=(9101,), readiness_command=("true",)
)
NONE = Container("rec-none", IMAGE, "recorded", command=SLEEP, network="none", stop_timeout=0, pids=0, memory=0)
TWO = Container("rec-two", IMAGE, "recorded", command=SLEEP, network=NETWORK.name)
EXITED = Container("rec-exited", IMAGE, "recorded", command=("sh", "-c", "exit 3"), restart="no")
AS_DESIRED = (PUBLISHED, HOST, NONE)
ALL = (*AS_DESIRED, TWO, EXITED)
KEPT = ("Id", "Name", "Created", "Image", "State", "Config", "HostConfig", "NetworkSettings", "Mounts")
WANTED = Wanted(tuple(made.name for made in AS_DESIRED), (IMAGE,), (NETWORK.name, "host", "none"), (VOLUME.name,))


def prepare() -> str:
    """Start the containers anew, with a second network for one of them, and wait for the one that ends."""
    return " && ".join(
        [
            clean(),
            docker_commands.create_network(NETWORK),
            docker_commands.create_volume(VOLUME),
            docker_commands.pull(IMAGE),
            *map(docker_commands.run, ALL),
            f"docker network connect bridge {TWO.name}",
            f"docker wait {EXITED.name}",
        ]
    )


def clean() -> str:
    """Remove all of it."""
    names = " ".join(resource.name for resource in ALL)
    return f"{{ docker rm -fv {names}; docker network rm rec; docker volume rm rec; true; }} >/dev/null 2>&1"


def on(host: LabHost, line: str) -> str:
    return command.run([*hosts.ssh_arguments(host), line], doing=f"record the engine of {host.name}")


def ask(host: LabHost, path: str) -> Any:
    return json.loads(on(host, f"curl -gsS --unix-socket {SOCKET} 'http://docker{path}'"))


def record(host: LabHost, engine: str) -> None:
    """Write what this host's engine says, by its newest API and by the oldest one that can be spoken to it."""
    version = ask(host, "/version")
    on(host, prepare())
    try:
        apis = {
            api: {resource.name: _kept(ask(host, f"/v{api}/containers/{resource.name}/json")) for resource in ALL}
            for api in (_oldest(version["MinAPIVersion"]), version["ApiVersion"])
        }
        answer = sections.read(on(host, host_state.script(WANTED)))["engine"]
    finally:
        on(host, clean())
    found = {"version": version["Version"], "apis": apis, "answer": sections.lines(answer)}
    (DOCUMENTS / f"engine-{engine}.json").write_text(json.dumps(found, indent=1) + "\n")


def _oldest(taken: str) -> str:
    """Give the oldest API that both the engine and the registrator's library speak."""
    return max(taken, MINIMUM_DOCKER_API_VERSION, key=lambda api: [int(part) for part in api.split(".")])


def _kept(document: dict[str, Any]) -> dict[str, Any]:
    return {key: document[key] for key in KEPT if key in document}


if __name__ == "__main__":
    for lab_host, name in zip(HOSTS, ENGINES, strict=False):
        record(lab_host, name)
