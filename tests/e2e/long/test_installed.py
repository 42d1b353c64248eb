"""The wheel, installed where there is no checkout: from an empty folder to a rented host and back to nothing."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from deployed import PROJECT
from deployed import rollcall as lab_command
from fresh_hosts import FreshHost, started

INVENTORY = "inventories/production.py"
# What a removal must leave as it found it.
TRACES = """
docker ps -aq; docker image ls -q; docker volume ls -q; docker network ls --format '{{.Name}}' | sort
find /etc/rollcall /etc/systemd/system -name '*rollcall*' 2>/dev/null
systemctl list-units --all --plain --no-legend 'rollcall*'
cat /etc/resolv.conf; ip rule
"""
STATE = "docker ps -q --no-trunc | sort; find /etc/rollcall -type f -exec stat -c '%n %i %y' {} + | sort"


@dataclass(frozen=True)
class Installed:
    """The command `rollcall` of a virtual environment, and the user's folder in which it runs."""

    program: Path
    folder: Path

    def attempt(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        # Nothing of the tests' own environment leads to the checkout.
        kept = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME")
        return subprocess.run(
            [self.program, *arguments],
            cwd=self.folder,
            env={name: os.environ[name] for name in kept if name in os.environ},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *arguments: str) -> str:
        done = self.attempt(*arguments)
        assert done.returncode == 0, f"{arguments}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
        return done.stdout

    def read(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "--json"))


def run(*command: str | Path) -> str:
    done = subprocess.run(
        command, cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    return done.stdout.strip()


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FreshHost]:
    # What images are built from: no public registry is reached from here.
    lab_command("lab", "images", "--for-demo")
    with started({"web1": "10.78.0.41"}, tmp_path_factory.mktemp("hosts")) as fresh:
        yield fresh["web1"]
    lab_command("lab", "images", "--remove-demo")


@pytest.fixture(scope="module")
def environment(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel with what it says that it needs, in the versions that all tests have."""
    folder = tmp_path_factory.mktemp("installed")
    pip = ("-m", "pip", "--disable-pip-version-check", "--quiet")
    run(sys.executable, *pip, "wheel", "--no-deps", "--no-build-isolation", f"--wheel-dir={folder}", PROJECT)
    (wheel,) = folder.glob("rollcall-*.whl")
    versions = re.findall(r"^\S+==[^\s\\]+", (PROJECT / "requirements.lock").read_text(), re.MULTILINE)
    (folder / "versions.txt").write_text("\n".join(versions))
    run(sys.executable, "-m", "venv", folder / "venv")
    run(folder / "venv/bin/python", *pip, "install", f"--constraint={folder / 'versions.txt'}", wheel)
    return folder / "venv"


@pytest.fixture(scope="module")
def user(environment: Path, host: FreshHost, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """A user who has made a project and changed its two lines: the address of a host, and how SSH reaches it."""
    empty = tmp_path_factory.mktemp("user")
    Installed(environment / "bin/rollcall", empty).run("init", "shop-fleet")
    file = empty / "shop-fleet" / INVENTORY
    ssh = f'"ssh_key": "{host.key}", "ssh_known_hosts_file": "{host.known_hosts}", "image_source": "push"'
    text = file.read_text().replace('"203.0.113.10"', f'"{host.address}"')
    file.write_text(text.replace('"ssh_key": "~/.ssh/id_ed25519"', ssh, 1))
    return Installed(environment / "bin/rollcall", empty / "shop-fleet")


def test_what_runs_is_the_wheel(environment: Path, user: Installed) -> None:
    where = "import rollcall, rollcall.config.project as p; print(rollcall.__file__, p.shipped('images'))"
    paths = subprocess.check_output([environment / "bin/python", "-c", where], cwd=user.folder, text=True).split()
    assert all(Path(path).is_relative_to(environment) for path in paths)
    assert re.fullmatch(r"rollcall, version \S+\n", user.run("--version"))


@pytest.fixture(scope="module")
def before(host: FreshHost) -> str:
    return host.run(TRACES)


def test_a_deploy_without_images_names_the_command_that_builds_them(
    user: Installed, host: FreshHost, before: str
) -> None:
    if here := [one["reference"] for one in user.read("images", "list") if one["state"] != "missing"]:
        run("docker", "rmi", *here)
    done = user.attempt("deploy", INVENTORY)
    assert done.returncode == 1
    assert "run `rollcall images build " in done.stdout + done.stderr
    assert host.run(TRACES) == before


def test_the_documented_command_builds_them(user: Installed) -> None:
    needed = {"registrator", "dns", "front"}
    user.run("images", "build", *needed)
    assert {one["name"] for one in user.read("images", "list") if one["state"] == "current"} == needed


@pytest.fixture(scope="module")
def deployed(user: Installed, before: str) -> Installed:
    assert "Deployed 1 host in" in user.run("deploy", INVENTORY)
    return user


def test_a_second_deploy_changes_nothing(deployed: Installed, host: FreshHost) -> None:
    state = host.run(STATE)
    assert [one for one in deployed.read("deploy", INVENTORY)["operations"] if one["changed"]] == []
    assert host.run(STATE) == state


def test_every_promise_is_kept(deployed: Installed) -> None:
    assert "✗" not in deployed.run("verify", INVENTORY)


def test_status_has_no_problem(deployed: Installed) -> None:
    status = deployed.read("status", INVENTORY)
    assert (status["unread"], status["problems"]) == ([], [])


def test_a_removal_leaves_nothing(deployed: Installed, host: FreshHost, before: str) -> None:
    done = deployed.attempt("remove", "--yes", INVENTORY)
    assert (done.returncode, "left: image hashicorp/consul:" in done.stderr) == (0, True), done.stderr
    deployed.run("remove", "--yes", "--images", INVENTORY)
    assert host.run(TRACES) == before
