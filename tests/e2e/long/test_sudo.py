"""The lab by its user admin, who is not root and may use sudo: every command works, and nobody else sees a secret."""

import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from deployed import BACKENDS, LAB, PROJECT, Fleet, Run, answering, rollcall, wait_for
from secret_spellings import SecretSpellings, secret_spellings

from rollcall.cli.deploy import checked_fleet
from rollcall.remote import ssh
from rollcall.secrets import store
from rollcall.secrets.deployed import folder_of
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import Secrets

# What somebody else on the host reads: files in the places that everybody has, and every process's arguments.
WATCH = r"""
cd /
while [ -e /run/watch ]; do
  find /tmp /var/tmp /dev/shm /home /etc/rollcall -xdev -type f -readable -exec cat {} + 2>/dev/null
  cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null
  passes=$((passes + 1))
  echo; echo "passes: $passes"
done | tr '\0' '\n' | grep -a . | awk '!seen[$0]++'
"""
# As an upload leaves a file, and a careless command line its argument; both are there for the whole watch.
MARKS = """
umask 022; echo a file of marks >/tmp/mark; touch /run/watch
sh -c 'while [ -e /run/watch ]; do sleep 1; done' 'an argument of marks' >/dev/null 2>&1 &
"""
WATCHED = ("consul1", "app1", "front1")
SUDOERS = "/etc/sudoers.d/admin"


class ByAdmin:
    """The lab, reached as admin: the inventory of a user, in a folder of its own."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "sudo.py"
        self.write()

    def write(self, data: str = '"ssh_user": "admin", "_sudo": True') -> None:
        lab = (PROJECT / LAB).read_text()
        assert '"ssh_user": "root"' in lab
        self.path.write_text(lab.replace('"ssh_user": "root"', data))

    def secrets(self) -> tuple[Path, Secrets]:
        _, fleet = checked_fleet(str(self.path))
        folder = folder_of(PROJECT, self.path)
        return folder, store.read(PrivateDirectory(folder), fleet)

    def deploy(self) -> Run:
        """Deploy by pyinfra's own command, and give its account."""
        command = [sys.executable, "-m", "pyinfra", str(self.path), "deploy.py", "-y", "--json"]
        done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return Run(json.loads(done.stdout[done.stdout.index("{") :]), done.stderr)


@contextmanager
def watched(fleet: Fleet) -> Iterator[dict[str, str]]:
    """Read as nobody, all the while, what may be read on some hosts; the texts are there after the block."""
    seen: dict[str, str] = {}
    nobody = f"setpriv --reuid=65534 --regid=65534 --clear-groups sh -c {shlex.quote(WATCH)}"
    watches = {}
    for name in WATCHED:
        fleet.on(name, MARKS)
        command = ssh.arguments(fleet.hosts[name], nobody)
        watches[name] = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        yield seen
    finally:
        for name, watch in watches.items():
            fleet.on(name, "rm -f /run/watch /tmp/mark")
            seen[name] = watch.communicate(timeout=120)[0].decode(errors="replace")
    for name, text in seen.items():
        assert "a file of marks" in text, name
        assert "an argument of marks" in text, name
        assert "passes: 10" in text, f"{name} was looked at too seldom"


@pytest.fixture(scope="module")
def admin(fleet: Fleet, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ByAdmin]:
    rollcall("remove", "--yes", LAB)
    one = ByAdmin(tmp_path_factory.mktemp("sudo"))
    yield one
    one.write()
    rollcall("remove", "--yes", str(one.path))
    rollcall("deploy", LAB)
    wait_for("answer of every backend", lambda: answering() == BACKENDS, 60)


@pytest.fixture(scope="module")
def seen(admin: ByAdmin, fleet: Fleet) -> dict[str, str]:
    """What nobody saw of the first deploy."""
    with watched(fleet) as texts:
        assert "Deployed 6 hosts" in rollcall("deploy", str(admin.path))
    return texts


@pytest.fixture
def deployed(admin: ByAdmin, seen: dict[str, str]) -> ByAdmin:
    return admin


def secret(admin: ByAdmin, fleet: Fleet) -> SecretSpellings:
    folder, kept = admin.secrets()
    return secret_spellings(kept, folder, fleet.hosts)


def test_a_first_deploy_shows_no_secret(deployed: ByAdmin, fleet: Fleet, seen: dict[str, str]) -> None:
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    for name, text in seen.items():
        assert "sudo" in text, name
        assert secret(deployed, fleet).found_in(text) == set(), name


def test_a_second_deploy_changes_nothing(deployed: ByAdmin) -> None:
    assert deployed.deploy().changed == set()


def test_no_file_belongs_to_the_user(deployed: ByAdmin, fleet: Fleet) -> None:
    for name in fleet.hosts:
        assert fleet.on(name, "find /etc/rollcall -user admin") == ""
        # Consul's group in its image has the number of the first user's.
        assert fleet.on(
            name, "setpriv --reuid=1000 --regid=1000 --clear-groups ls /etc/rollcall 2>&1", check=False
        ) == ("ls: cannot open directory '/etc/rollcall': Permission denied")
        assert fleet.on(name, "ls -A /tmp /var/tmp | grep -e rollcall -e pyinfra", check=False) == ""


def test_a_real_change_replaces_the_servers_one_at_a_time(deployed: ByAdmin, fleet: Fleet) -> None:
    before = fleet.all_containers()
    with_change = '"ssh_user": "admin", "_sudo": True, "consul_server": {"extra": {"log_level": "WARN"}}'
    deployed.write(with_change)
    try:
        assert {"consul1", "consul2", "consul3"} <= deployed.deploy().changed
    finally:
        deployed.write()
    after = fleet.all_containers()
    servers = [f"consul{number}/consul" for number in (1, 2, 3)]
    assert all(before[one] != after[one] for one in servers)
    assert deployed.deploy().changed >= {"consul1", "consul2", "consul3"}
    assert deployed.deploy().changed == set()


def test_a_removed_container_comes_back(deployed: ByAdmin, fleet: Fleet) -> None:
    fleet.on("app2", "docker rm -f registrator")
    assert deployed.deploy().changed == {"app2"}


def test_verify(deployed: ByAdmin) -> None:
    assert "✗" not in rollcall("verify", "--disturb", str(deployed.path))


def test_status_and_render(deployed: ByAdmin) -> None:
    # What verify disturbed a moment ago may still be on its way back.
    found = wait_for("status without a problem", lambda: _status_without_problem(deployed), 60)
    assert found["unread"] == []
    rendered = rollcall("render", str(deployed.path))
    assert "upstream " in rendered
    assert "proxy_pass http://" in rendered


def _status_without_problem(deployed: ByAdmin) -> Any:
    found = json.loads(rollcall("status", "--json", str(deployed.path)))
    return None if found["problems"] else found


def test_an_image_is_pushed(deployed: ByAdmin, fleet: Fleet) -> None:
    rollcall("lab", "images", "--for-demo")
    fleet.on("app2", "docker rm -f dns; docker rmi rollcall/dns:0.1.0")
    deployed.write('"ssh_user": "admin", "_sudo": True, "dns": {"image_source": "push"}')
    try:
        said = rollcall("deploy", str(deployed.path), "--limit", "app2")
    finally:
        deployed.write()
        rollcall("lab", "images", "--remove-demo")
    assert re.search(r"rollcall/dns:0.1.0: sent [0-9.]+ MB(, compressed to [0-9.]+ MB,)? in .* s", said), said
    assert deployed.deploy().changed == set()


def test_drain_and_undrain(deployed: ByAdmin) -> None:
    path = str(deployed.path)
    assert "Drained app1/webserver-1" in rollcall("drain", path, "app1/webserver-1")
    wait_for("front without it", lambda: "app1/webserver-1" not in answering(30))
    assert "Back in service" in rollcall("undrain", path, "app1/webserver-1")
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


def test_consuls_own_command_line(deployed: ByAdmin) -> None:
    assert rollcall("consul", str(deployed.path), "--", "members").count("alive") == 6


def test_canary_and_maintenance(deployed: ByAdmin) -> None:
    assert "No service has a canary" in rollcall("canary", str(deployed.path))
    assert "No route shows a maintenance page" in rollcall("maintenance", str(deployed.path))


def test_consuls_pages(deployed: ByAdmin) -> None:
    command = [sys.executable, "-u", "-c", "from rollcall.cli.main import main; main()", "ui", str(deployed.path)]
    with subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            url = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
            assert requests.get(url, timeout=10).ok
        finally:
            process.terminate()


def test_rotations(deployed: ByAdmin, fleet: Fleet) -> None:
    old = secret(deployed, fleet)
    with watched(fleet) as texts:
        assert "Rotated gossip on 6 hosts" in rollcall("rotate", str(deployed.path), "gossip")
        assert "Rotated tokens on 6 hosts" in rollcall("rotate", str(deployed.path), "tokens")
        assert "Rotated certificates on 6 hosts" in rollcall("rotate", str(deployed.path), "certificates")
    new = secret(deployed, fleet)
    assert [one.found_in(text) for text in texts.values() for one in (old, new)] == [set()] * 2 * len(texts)
    assert deployed.deploy().changed == set()


@contextmanager
def sudoers(fleet: Fleet, host: str, line: str) -> Iterator[None]:
    """Have other rules for admin on a host."""
    before = fleet.on(host, f"cat {SUDOERS}")
    fleet.on(host, f"cat >{SUDOERS}", stdin=f"{line}\n")
    try:
        yield
    finally:
        fleet.on(host, f"cat >{SUDOERS}", stdin=f"{before}\n")


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("admin ALL=(root) ALL", "expected `admin ALL=(root) NOPASSWD: ALL` in /etc/sudoers.d/rollcall"),
        ("admin ALL=(root) NOPASSWD: /usr/bin/docker", "expected `admin ALL=(root) NOPASSWD: ALL`"),
        ("# nobody", "expected `admin ALL=(root) NOPASSWD: ALL`"),
        (
            "Defaults:admin requiretty\nadmin ALL=(root) NOPASSWD: ALL",
            "expected `Defaults:admin !requiretty` in /etc/sudoers.d/rollcall",
        ),
    ],
)
def test_a_broken_sudo_is_one_sentence(deployed: ByAdmin, fleet: Fleet, line: str, sentence: str) -> None:
    before = fleet.all_containers()
    with sudoers(fleet, "app1", line):
        said = rollcall("deploy", str(deployed.path), code=1)
        assert said.count("\n") == 1, said
        assert said.startswith("rollcall: app1: sudo ")
        assert sentence in said
        # In a table: sentences are wrapped.
        assert sentence in " ".join(rollcall("status", str(deployed.path), code=1).split())
    assert fleet.all_containers() == before


def test_a_user_with_docker_only_is_refused(deployed: ByAdmin, fleet: Fleet, tmp_path: Path) -> None:
    said = _deployed_by(deployed, '"ssh_user": "admin"')
    assert "ssh_user: got 'admin'; expected 'root', or another user together with `_sudo = True`" in said
    config = tmp_path / "config"
    config.write_text("Host *\n  User admin\n")
    for_admin = f'"ssh_config_file": {str(config)!r}'
    assert "admin is not root; set `_sudo = True` for this host" in _deployed_by(deployed, for_admin)
    for name in fleet.hosts:
        fleet.on(name, "usermod --append --groups docker admin")
    try:
        with sudoers(fleet, "app1", "# nobody"):
            assert "app1: admin may use Docker but is not root; expected ssh_user" in _deployed_by(deployed, for_admin)
    finally:
        for name in fleet.hosts:
            fleet.on(name, "gpasswd --delete admin docker")


def _deployed_by(deployed: ByAdmin, data: str) -> str:
    deployed.write(data)
    try:
        return rollcall("deploy", str(deployed.path), code=1)
    finally:
        deployed.write()


def test_removal_leaves_nothing(deployed: ByAdmin, fleet: Fleet) -> None:
    assert "Removed" in rollcall("remove", "--yes", str(deployed.path))
    for name in fleet.hosts:
        assert fleet.on(name, "ls -d /etc/rollcall; docker ps -aq; docker volume ls -q", check=False) == "", name
    rollcall("deploy", str(deployed.path))
