"""Run the front as a deploy does, on this machine's loopback and with the benchmark's Consul."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import docker
from docker.models.containers import Container
from loopback import HTTP

from rollcall.components import front as front_component
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Settings
from rollcall.converge.resources import Mount
from rollcall.lab import stand_in
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory

STATE = "rollcall-bench-front-state"
NAME = "bench"
# Its ports for HTTP, for HTTPS, and for its status.
PORT, TLS_PORT, STATUS_PORT = 28510, 28511, 28512


@contextmanager
def front(
    engine: docker.DockerClient, image: str, folder: Path, label: str, service: str, **more: object
) -> Iterator[Container]:
    """Run a front with this service behind it until the block ends; `more` are further settings of the front."""
    settings = Settings.model_validate(
        {
            "front": {
                "address": "127.0.0.1",
                "http_port": PORT,
                "https_port": TLS_PORT,
                "status": f"127.0.0.1:{STATUS_PORT}",
                "services": (service,),
                **more,
            }
        }
    )
    member = Member(NAME, NAME, "127.0.0.1", frozenset({"consul_servers", "fronts"}), settings)
    fleet = Fleet(NAME, (member,))
    resources = front_component.resources(
        stand_in.context(fleet, member, store.read(PrivateDirectory(folder / "secrets"), fleet))
    )
    files = folder / "front"
    stand_in.put(resources, front_component.FOLDER, files)
    follows = files / "consul-template.hcl"
    follows.write_text(render("front/consul-template.hcl.j2", consul_address=f"127.0.0.1:{HTTP}"))
    config = files / "front.json"
    config.write_text(json.dumps(json.loads(config.read_text()) | {"consul": f"127.0.0.1:{HTTP}"}))
    mounts = (Mount(str(files), front_component.FOLDER), Mount(STATE, "/var/lib/rollcall/front", read_only=False))
    wanted = replace(stand_in.container(resources), name="rollcall-bench-front", image=image, mounts=mounts)
    running = engine.containers.get(stand_in.run(wanted, {"rollcall.bench": label}))
    try:
        yield running
    finally:
        running.remove(force=True, v=True)
        engine.volumes.get(STATE).remove()
