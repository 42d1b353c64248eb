"""Compare a deploy with nothing to do by Rollcall and by Ansible, for the same number of files and containers.

    python bench/ansible.py inventories/lab.py

The playbook puts files of the same number and size into a folder of its own by `copy` and `file`, and keeps as many
containers by `community.docker.docker_container`: with pipelining, ten forks, and no facts. Both ran once before the
figures are taken, so neither changes anything. Ansible comes from PyPI into an environment in the cache; the hosts get
its Python packages, which stay until `rollcall lab down`, and lose the folder and the containers at the end.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import venv
from collections.abc import Sequence
from pathlib import Path

import click
from conditions import print_times, run, timed_in_turn

from rollcall.components import declared
from rollcall.components.component import Component
from rollcall.components.loading import checked_fleet
from rollcall.config import inventory
from rollcall.config.fleet import Fleet, Member
from rollcall.console import out
from rollcall.converge.resources import Container, Directory, File, Resource
from rollcall.errors import RollcallError
from rollcall.lab import stand_in
from rollcall.remote import connectivity
from rollcall.secrets import deployed, store

VERSION = "12.3.0"
CACHE = Path.home() / ".cache" / "rollcall" / f"ansible-{VERSION}"
ROOT = Path(__file__).resolve().parent.parent
FOLDER = "/var/tmp/rollcall-bench"
LABEL = "rollcall.bench"
PACKAGES = "python3 python3-requests python3-packaging"

# One folder for each host's files; the same tasks for every host, as in a playbook of roles.
PLAYBOOK = [
    {
        "hosts": "all",
        "gather_facts": False,
        "tasks": [
            {
                "name": "directories",
                "ansible.builtin.file": {"path": "{{ item.path }}", "state": "directory", "mode": "{{ item.mode }}"},
                "loop": "{{ directories }}",
            },
            {
                "name": "files",
                "ansible.builtin.copy": {
                    "dest": "{{ item.path }}",
                    "content": "{{ item.text }}",
                    "mode": "{{ item.mode }}",
                },
                "loop": "{{ files }}",
                "no_log": True,
            },
            {
                "name": "containers",
                "community.docker.docker_container": {
                    "name": "{{ item.name }}",
                    "image": "{{ item.image }}",
                    "pull": "never",
                    "entrypoint": ["sleep"],
                    "command": ["1000000"],
                    "labels": {LABEL: "ansible"},
                    "env": "{{ item.environment }}",
                    "network_mode": "none",
                    "memory": "64M",
                },
                "loop": "{{ containers }}",
            },
        ],
    }
]


def ansible() -> Path:
    """Return the folder of Ansible's programs; install them if they are missing."""
    if not (CACHE / "bin" / "ansible-playbook").exists():
        out.print(f"[dim]ansible {VERSION} from PyPI into {CACHE}[/]")
        venv.create(CACHE, with_pip=True, clear=True)
        command = [str(CACHE / "bin" / "pip"), "install", "--quiet", f"ansible=={VERSION}"]
        subprocess.run(command, check=True)
    return CACHE / "bin"


def variables(resources: Sequence[Resource]) -> dict[str, object]:
    """Return the playbook's variables of one host: as many files and containers as Rollcall's, of the same size."""
    return {
        "directories": [
            {"path": FOLDER + resource.path, "mode": f"{resource.mode:04o}"}
            for resource in resources
            if isinstance(resource, Directory)
        ],
        "files": [
            # The same size as ours, without the secrets.
            {"path": FOLDER + resource.path, "mode": f"{resource.mode:04o}", "text": "#" * len(resource.text)}
            for resource in resources
            if isinstance(resource, File)
        ],
        "containers": [
            {
                "name": f"bench-{resource.name}",
                "image": resource.image,
                "environment": dict(resource.environment),
            }
            for resource in resources
            if isinstance(resource, Container)
        ],
    }


def written(folder: Path, hosts: Sequence[inventory.Host], resources: dict[str, list[Resource]]) -> list[str]:
    """Write playbook and inventory; return the command line that runs them."""
    described = {
        host.name: {
            "ansible_host": host.hostname,
            "ansible_port": host.port or 22,
            "ansible_user": host.user or "root",
            "ansible_ssh_private_key_file": str(host.key or ""),
            "ansible_ssh_common_args": f"-o UserKnownHostsFile={host.known_hosts or os.devnull}",
            "ansible_python_interpreter": "/usr/bin/python3",
            **variables(resources[host.name]),
        }
        for host in hosts
    }
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": described}}))
    (folder / "playbook.json").write_text(json.dumps(PLAYBOOK))
    (folder / "ansible.cfg").write_text("[defaults]\nforks = 10\n[ssh_connection]\npipelining = True\n")
    return [str(ansible() / "ansible-playbook"), "-i", str(folder / "hosts.json"), str(folder / "playbook.json")]


def seconds(command: Sequence[str], folder: Path) -> float:
    """Time one run.

    Raises:
        RollcallError: it failed.
    """
    started = time.perf_counter()
    environment = os.environ | {"ANSIBLE_CONFIG": str(folder / "ansible.cfg")}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RollcallError(f"{command[0]} failed: {(done.stderr or done.stdout)[-1500:]}")
    return time.perf_counter() - started


def wanted(fleet: Fleet, kept: store.Secrets, components: Sequence[Component]) -> dict[str, list[Resource]]:
    """Return Rollcall's desired resources of each host."""

    def of(member: Member) -> list[Resource]:
        parts = declared.resources(stand_in.context(fleet, member, kept), components)
        return [resource for resources in parts.values() for resource in resources]

    return {member.name: of(member) for member in fleet.members}


def on_hosts(source: str, command: str) -> None:
    """Run a command on every host."""
    pyinfra = [sys.executable, "-m", "pyinfra", source, "exec", "--", command]
    done = subprocess.run(pyinfra, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RollcallError(f"{command!r} failed: {done.stderr[-1500:]}")


def measure(source: str, runs: int) -> dict[str, list[float]]:
    """Prepare both, then time them in turn."""
    chosen, fleet = checked_fleet(source)
    connectivity.check(chosen.hosts)
    resources = wanted(fleet, deployed.read_secrets(source, chosen, fleet, "deploy"), declared.components(chosen.root))
    on_hosts(source, f"apt-get update -qq; apt-get install -qqy --no-install-recommends {PACKAGES} >/dev/null")
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        rollcall = [sys.executable, "-m", "rollcall", "deploy", source]
        commands = {"rollcall deploy": rollcall, "ansible-playbook": written(folder, chosen.hosts, resources)}
        try:
            for command in commands.values():
                seconds(command, folder)
            times = timed_in_turn(commands, runs, lambda name: seconds(commands[name], folder))
        finally:
            removal = f"docker ps -aq --filter label={LABEL} | xargs -r docker rm -f >/dev/null; rm -rf {FOLDER}"
            on_hosts(source, removal)
    counts = {kind: sum(isinstance(r, kind) for rs in resources.values() for r in rs) for kind in (File, Container)}
    out.print(f"{len(resources)} hosts, {counts[File]} files, {counts[Container]} containers")
    return times


@click.command()
@click.argument("source", metavar="INVENTORY", default="inventories/lab.py")
@click.option("--runs", default=5, show_default=True, type=click.IntRange(3), help="How many of each.")
def main(source: str, runs: int) -> None:
    """Measure a deploy of INVENTORY with nothing to do, by Rollcall and by Ansible."""
    run(lambda: report(source, runs))


def report(source: str, runs: int) -> None:
    """Measure, and print the table and the ratio."""
    times = measure(source, runs)
    print_times(f"A deploy with nothing to do, {source}, n = {runs}", times)
    ours, theirs = (statistics.median(times[name]) for name in ("rollcall deploy", "ansible-playbook"))
    out.print(f"ansible-playbook ÷ rollcall deploy: {theirs / ours:.1f}")


if __name__ == "__main__":
    main()
