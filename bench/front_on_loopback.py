"""The front as a deploy runs it, on this machine's loopback and with the bench's Consul."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import docker
from docker.models.containers import Container
from loopback import HTTP

from rollcall import secrets
from rollcall.components import front as front_component
from rollcall.desired import Mount
from rollcall.fleet import Fleet, Member
from rollcall.lab import stand_in
from rollcall.settings import Settings
from rollcall.templates import render

STATE = "rollcall-bench-front-state"
NAME = "bench"


@contextmanager
def front(
    engine: docker.DockerClient, image: str, folder: Path, label: str, settings: dict[str, Any]
) -> Iterator[Container]:
    member = Member(NAME, NAME, "127.0.0.1", frozenset({"fronts"}), Settings(front=settings))
    things = front_component.desired(member, secrets.load(folder / "secrets", Fleet(NAME, (member,))))
    files = folder / "front"
    stand_in.put(things, front_component.FOLDER, files)
    follows = files / "consul-template.hcl"
    follows.write_text(render("front/consul-template.hcl.j2", consul_address=f"127.0.0.1:{HTTP}"))
    mounts = (Mount(str(files), front_component.FOLDER), Mount(STATE, "/var/lib/rollcall/front", read_only=False))
    wanted = replace(stand_in.container(things), name="rollcall-bench-front", image=image, mounts=mounts)
    running = engine.containers.get(stand_in.run(wanted, {"rollcall.bench": label}))
    try:
        yield running
    finally:
        running.remove(force=True, v=True)
        engine.volumes.get(STATE).remove()
