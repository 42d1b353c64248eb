"""A job's container and a scheduler as a deploy makes them, a real Consul, and the filter before a real engine."""

import json
import subprocess
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import docker
import requests
from docker.models.containers import Container
from filter_world import Filter
from free_ports import free_port
from own_components import check
from own_consul import OwnConsul
from removal import remove

from rollcall.components import jobs as component
from rollcall.components import socket_filter
from rollcall.components.template_files import render
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.contract import jobs
from rollcall.contract.jobs import Request, Result, State
from rollcall.converge import docker_commands, resources
from rollcall.converge.resources import Mount
from rollcall.lab import stand_in
from rollcall.lab.dockerfile import local_name
from rollcall.secrets import store

LABELS = {"rollcall.test.jobs": "1"}
IMAGE = "python:3.13-slim"
JOB = "rollcall-test"


def fleet(script: str, **more: Any) -> Fleet:
    """A fleet of one host with one job, which runs a shell script."""
    service = {"name": JOB, "image": IMAGE, "schedule": "*/5 * * * *", "command": ["sh", "-c", script], **more}
    data = {"address": "127.0.0.1", "services": [service]}
    return check("test", [RawHost("app1", frozenset({"consul_servers"}), data)], "app1", nowhere)


class Kv(OwnConsul):
    """The agent, with what schedulers keep there."""

    def state(self) -> State | None:
        entry = self.api.kv.get(jobs.state(JOB), consistency="consistent")[1]
        return jobs.read(entry["Value"]) if entry else None

    def last(self) -> Result | None:
        state = self.state()
        return state.last if state else None

    def due(self, fleet_: Fleet) -> None:
        """Write a state whose next time has come."""
        [service] = fleet_.members[0].settings.services
        ago = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
        self.api.kv.put(jobs.state(JOB), State(due=ago, schedule=jobs.when(service.schedule, service.timezone)).text)

    def want(self, identity: str = "r1") -> None:
        self.api.kv.put(jobs.request(JOB), Request(identity, "kim").text)

    def holder(self) -> str:
        entry = self.api.kv.get(jobs.lock(JOB), consistency="consistent")[1]
        return entry["Value"].decode() if entry and entry.get("Session") else ""


@dataclass
class World:
    """One host: its filter, its job's container, and its scheduler."""

    engine: docker.DockerClient
    kv: Kv
    secret: store.Secrets
    folder: Path
    port: int = field(default_factory=free_port)
    filter: Filter | None = None
    wanted: resources.Container = field(default_factory=lambda: resources.Container("", "", ""))

    def deploy(self, wanted: Fleet) -> None:
        """Create the job's container and run the scheduler, both as a deploy does."""
        member = wanted.members[0]
        group = Path(socket_filter.ENGINE).stat().st_gid
        made = component.resources(stand_in.context(wanted, member, self.secret, socket_group=group))
        self.wanted, scheduler = (one for one in made if isinstance(one, resources.Container))
        self.create()
        self.filter = Filter("rollcall-test-jobs", local_name("nginx:1.30"), self.folder / "filter", member=member)
        stand_in.put(made, component.FOLDER, self.folder / "scheduler")
        config = json.loads((self.folder / "scheduler" / "scheduler.json").read_text())
        config |= {"consul": self.kv.address, "port": self.port}
        (self.folder / "scheduler" / "scheduler.json").write_text(json.dumps(config))
        self.kv.add_policy("scheduler", render("consul/policies/scheduler.hcl.j2", node="app1", jobs=[JOB]))
        (self.folder / "scheduler" / "token").write_text(self.kv.add_token("scheduler"))
        mounts = (
            Mount(str(self.folder / "scheduler"), component.FOLDER),
            Mount(self.filter.volume, component.ENGINE_FOLDER),
        )
        name = "rollcall-test-scheduler"
        stand_in.run(replace(scheduler, name=name, image=local_name(scheduler.image), mounts=mounts), LABELS)

    def create(self) -> None:
        words = docker_commands.run_arguments(replace(self.wanted, image=local_name(IMAGE), network="bridge"))
        own = [word for word in words if not word.startswith("--label=")]
        subprocess.run([*own[:2], "--label=rollcall.test.jobs=1", *own[2:]], check=True, capture_output=True)

    def update(self) -> None:
        """Replace the job's container as a deploy does."""
        idle = self.wanted.idle_command.replace(f":{jobs.PORT}/", f":{self.port}/")
        new = replace(self.wanted, image=local_name(IMAGE), network="bridge", idle_command=idle)
        command = docker_commands.replace(new).replace("docker create", "docker create --label=rollcall.test.jobs=1")
        managed = " --label=rollcall.managed=jobs"
        subprocess.run(["sh", "-c", command.replace(managed, "")], check=True, capture_output=True)

    @property
    def job(self) -> Container:
        return self.engine.containers.get(jobs.container(JOB))

    @property
    def scheduler(self) -> Container:
        return self.engine.containers.get("rollcall-test-scheduler")

    def metrics(self) -> str:
        try:
            return requests.get(f"http://127.0.0.1:{self.port}/metrics", timeout=5).text
        except requests.ConnectionError:
            return ""

    def remove(self) -> None:
        for container in self.engine.containers.list(all=True, filters={"label": "rollcall.test.jobs"}):
            if container.name in ("rollcall-test-scheduler", jobs.container(JOB)):
                remove(container)
        if self.filter:
            self.filter.remove()
        policies = {one["Name"]: one["ID"] for one in self.kv.api.acl.policy.list()}
        requests.delete(
            f"http://{self.kv.address}/v1/acl/policy/{policies['scheduler']}",
            headers={"X-Consul-Token": self.kv.management},
            timeout=5,
        )
