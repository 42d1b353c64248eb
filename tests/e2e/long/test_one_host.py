"""One rented, slow host: a dry run that makes nothing, a deploy in published mode, a removal that leaves nothing."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import PROJECT, wait_for
from fresh_hosts import FreshHost, engine, started

ROLLCALL = str(Path(sys.executable).with_name("rollcall"))
INVENTORY = "inventories/lone.py"
ADDRESS = "10.78.0.11"
# Of one core. With deadlines as they are, nginx's check alone (10 s) ends before nginx has started.
SHARE = "0.2"
LONE = """
_lone = ("lone", {{
    "ssh_hostname": "{address}", "address": "{address}", "ssh_user": "root",
    "ssh_key": "{key}", "ssh_known_hosts_file": "{known_hosts}", "image_source": "push",
    "registrator": {{"mode": "published"}}, "timeout_factor": {factor},
}})
consul_servers = backends = fronts = [_lone]
"""
# Neither what the host itself goes on writing, nor the directory where every command has its temporary files.
FILES = (
    "find / -xdev \\( -path /tmp -o -path /run -o -path /var/log -o -path /var/lib/systemd -o -path /var/lib/docker "
    "-o -path /var/lib/containerd -o -path /var/cache \\) -prune -o -printf '%p %y {more}\\n' | sort"
)
LOOK_UP = "getent ahostsv4 {}.service.consul | head -n 1 | cut -d ' ' -f 1"
OBJECTS = {
    "containers": "docker ps -aq --no-trunc | sort",
    "images": "docker images --format '{{.Repository}}:{{.Tag}} {{.ID}}' | sort",
    "volumes": "docker volume ls -q | sort",
    "networks": "docker network ls --format '{{.Name}} {{.ID}}' | sort",
    "names": "cat /etc/resolv.conf; readlink -f /etc/resolv.conf",
}


def everything(host: FreshHost, files: str) -> dict[str, str]:
    return {"files": host.run(files), **{kind: host.run(command) for kind, command in OBJECTS.items()}}


def difference(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """Give the lines that only one of two readings has; files with their times, where those were asked for."""
    return {line for kind in before for line in set(before[kind].splitlines()) ^ set(after[kind].splitlines())}


def tree(folder: Path) -> dict[str, float]:
    return {str(file): file.stat().st_mtime for file in folder.rglob("*")}


def works(project: Path, *arguments: str) -> str:
    done = subprocess.run([ROLLCALL, *arguments], cwd=project, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    return done.stdout + done.stderr


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshHost]:
    works(PROJECT, "lab", "images", "--for-demo")
    with started({"lone": ADDRESS}, tmp_path_factory.mktemp("hosts")) as fresh:
        fresh["lone"].run("apt-get update -qq && apt-get install -qq --no-install-recommends systemd-resolved")
        assert fresh["lone"].run("systemctl is-active systemd-resolved") == "active"
        # Docker looks for systemd-resolved once, when it starts; on a machine it starts later.
        fresh["lone"].run("systemctl restart docker")
        yield fresh["lone"]
    works(PROJECT, "lab", "images", "--remove-demo")


@pytest.fixture(scope="module")
def project(host: FreshHost, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("user")
    works(folder, "init", "lone-fleet")
    write(folder / "lone-fleet", host, factor=10)
    return folder / "lone-fleet"


def write(project: Path, host: FreshHost, factor: int) -> None:
    (project / INVENTORY).write_text(
        LONE.format(address=ADDRESS, key=host.key, known_hosts=host.known_hosts, factor=factor)
    )


@pytest.fixture(scope="module")
def before(host: FreshHost) -> dict[str, str]:
    return everything(host, FILES.format(more=""))


def test_a_dry_run_on_a_new_host_makes_nothing_there_or_here(
    project: Path, host: FreshHost, before: dict[str, str]
) -> None:
    at_first, here = everything(host, FILES.format(more="%T@ %m %s")), tree(project)
    said = works(project, "deploy", "--dry", INVENTORY)
    assert "make the fleet's secrets" in said
    for image in ("hashicorp/consul:", "nginx:", "rollcall/registrator:", "rollcall/dns:", "rollcall/front:"):
        assert image in said
    assert difference(at_first, everything(host, FILES.format(more="%T@ %m %s"))) == set()
    assert tree(project) == here
    assert not (project / ".secrets").exists()


def test_a_slow_host_is_deployed_within_stretched_deadlines(project: Path, host: FreshHost) -> None:
    engine("update", f"--cpus={SHARE}", "rollcall-lab-fresh-lone")
    works(project, "deploy", INVENTORY)


def test_in_published_mode_one_host_registers_what_publishes_a_port_at_its_own_address(
    project: Path, host: FreshHost
) -> None:
    engine("update", "--cpus=2", "rollcall-lab-fresh-lone")
    assert host.run("docker run -d --name quiet --env SERVICE_NAME=quiet nginx:1.30")
    assert host.run("docker run -d --name loud --env SERVICE_NAME=loud --publish 8090:80 nginx:1.30")
    wait_for("a name of the container that publishes a port", lambda: host.run(LOOK_UP.format("loud")) == ADDRESS)
    assert host.run(LOOK_UP.format("webserver-80")) == ADDRESS
    services = works(project, "consul", INVENTORY, "--", "catalog", "services").splitlines()
    assert {"loud", "webserver-80", "webserver-443"} <= set(services)
    assert not [name for name in services if name.startswith("quiet")]
    host.run("docker rm --force --volumes loud quiet")


def test_verify(project: Path) -> None:
    assert "✗" not in works(project, "verify", INVENTORY)


def test_a_dry_run_on_a_deployed_host_makes_nothing(project: Path, host: FreshHost) -> None:
    write(project, host, factor=9)
    at_first, here = everything(host, FILES.format(more="%T@ %m %s")), tree(project)
    assert "stop_timeout" in works(project, "deploy", "--dry", INVENTORY)
    assert difference(at_first, everything(host, FILES.format(more="%T@ %m %s"))) == set()
    assert tree(project) == here


def test_a_removal_leaves_nothing(project: Path, host: FreshHost, before: dict[str, str]) -> None:
    assert host.run("ls /etc/systemd/resolved.conf.d") != ""
    works(project, "remove", "--yes", "--images", INVENTORY)
    after = everything(host, FILES.format(more=""))
    for kind, found in before.items():
        assert set(after[kind].splitlines()) ^ set(found.splitlines()) == set(), kind
