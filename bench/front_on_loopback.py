"""Run the front as a deploy does, on this machine's loopback and with the benchmark's Consul."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from loopback import HTTP

from rollcall.components import front as front_component
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Settings
from rollcall.contract import access_log, acme_files
from rollcall.converge.resources import Mount
from rollcall.lab import stand_in
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory

STATE, ACME_STATE = "rollcall-bench-front-state", "rollcall-bench-front-acme"
NAME = "bench"
# Its ports for HTTP, for HTTPS, and for its status.
PORT, TLS_PORT, STATUS_PORT = 28510, 28511, 28512
# Between the ports of two fronts that run at once.
APART = 100


@contextmanager
def front(
    engine: docker.DockerClient, image: str, folder: Path, label: str, service: str, *, number: int = 0, **more: Any
) -> Iterator[Container]:
    """Run a front with this service behind it until the block ends; `more` are further settings of the front.

    Several run at once if their numbers differ, by which their ports do, too.
    """
    ports = {"http_port": PORT, "https_port": TLS_PORT}
    settings = Settings.model_validate(
        {
            "front": {
                "address": "127.0.0.1",
                **{key: port + number * APART for key, port in ports.items()},
                "status": f"127.0.0.1:{STATUS_PORT + number * APART}",
                "services": (service,),
                **more,
            }
        }
    )
    member = Member(NAME, NAME, "127.0.0.1", frozenset({"consul_servers", "fronts"}), settings)
    fleet = Fleet(NAME, (member,))
    resources = front_component.resources(
        stand_in.context(fleet, member, store.read(PrivateDirectory(folder / f"secrets-{number}"), fleet))
    )
    files, state = folder / f"front-{number}", f"{STATE}-{number}"
    stand_in.put(resources, front_component.FOLDER, files)
    follows = files / "consul-template.hcl"
    follows.write_text(render("front/consul-template.hcl.j2", consul_address=f"127.0.0.1:{HTTP}"))
    config = files / "front.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"consul": f"127.0.0.1:{HTTP}"}))
    mounts: tuple[Mount, ...] = (
        Mount(str(files), front_component.FOLDER),
        Mount(state, "/var/lib/rollcall/front", read_only=False),
    )
    if settings.front.acme:
        mounts = (*mounts, Mount(ACME_STATE, str(acme_files.FOLDER), read_only=False))
    if settings.front.access_log == "file":
        mounts = (*mounts, Mount(str(files / access_log.FOLDER.lstrip("/")), access_log.FOLDER, read_only=False))
    wanted = replace(stand_in.container(resources), name=f"rollcall-bench-front-{number}", image=image, mounts=mounts)
    running = engine.containers.get(stand_in.run(wanted, {"rollcall.bench": label}))
    try:
        yield running
    finally:
        running.remove(force=True, v=True)
        engine.volumes.get(state).remove()
