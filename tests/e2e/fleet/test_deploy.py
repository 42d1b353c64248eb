"""A deploy of the lab: it gives what it promises, a second one changes nothing, and a bad one touches nothing."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, status

from rollcall.consul import deploy_lock


def test_every_backend_responds_in_turn(fleet: Fleet) -> None:
    assert answering(len(BACKENDS) * 4) == BACKENDS


def test_second_deploy_changes_nothing(fleet: Fleet) -> None:
    before, lock = fleet.all_containers(), fleet.consul(deploy_lock.PATH)
    run = fleet.deploy()
    assert run.changed == set(), run.log
    assert fleet.all_containers() == before
    assert fleet.consul(deploy_lock.PATH) == lock


def test_dry_run_of_a_deployed_fleet_names_no_difference(fleet: Fleet) -> None:
    said = rollcall("deploy", "--dry", LAB)
    changes, _, settings = said.partition("Settings other than defaults")
    assert settings
    assert not [line for line in changes.splitlines() if " container " in line or " file " in line], said
    assert "Nothing was changed, and a deploy would change nothing." in said
    assert "; nothing had to change. Next: rollcall verify" in rollcall("deploy", LAB)


def test_render_shows_what_nginx_would_get(fleet: Fleet) -> None:
    rendered = rollcall("render", LAB)
    servers = [line.strip() for line in rendered.splitlines() if line.strip().startswith("server 10.")]
    assert len(servers) == len(BACKENDS)
    assert all(line.endswith(" max_fails=3 fail_timeout=60 weight=1;") for line in servers)
    assert "least_conn;" in rendered


def test_verify_with_disturbance(fleet: Fleet) -> None:
    said = rollcall("verify", "--disturb", LAB)
    assert "✗" not in said


def test_containers_resolve_names_of_the_catalog(fleet: Fleet) -> None:
    for name in ("nginx-80.service.consul", "http.webserver-80.service.consul"):
        for host in fleet.hosts:
            assert fleet.on(host, f"getent hosts {name}"), f"{host}: {name}"
        inside = fleet.on("app1", f"docker exec webserver-1 getent hosts {name}")
        assert inside.startswith("10.77.0.2")


def test_no_secret_is_shown(fleet: Fleet) -> None:
    key = json.loads(fleet.on("consul1", "cat /etc/rollcall/consul/20-gossip.json"))["encrypt"]
    for host in fleet.hosts:
        seen = fleet.on(
            host,
            "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ 2>/dev/null | tr '\\0' '\\n';"
            "docker ps -aq | xargs docker inspect;"
            "for one in $(docker ps -aq); do docker logs $one 2>&1; done; journalctl --no-pager",
        )
        assert len(seen) > 10_000
        assert key not in seen, host
    shown = subprocess.run(
        [sys.executable, "-m", "pyinfra", "-vvv", "--debug", "--diff", "-y", LAB, "deploy.py"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert key not in shown.stdout + shown.stderr
    mode = fleet.on("consul1", "stat -c '%a %u' /etc/rollcall/consul/20-gossip.json /etc/rollcall/consul /etc/rollcall")
    assert mode.splitlines() == ["600 100", "700 100", "700 0"]


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A user's own copy of the lab's inventory with group data of its own beside it."""
    shutil.copy(PROJECT / LAB, tmp_path / "mine.py")
    (tmp_path / "group_data").mkdir()
    return tmp_path


@pytest.mark.parametrize("program", ["rollcall", "pyinfra"])
def test_a_bad_setting_changes_nothing(fleet: Fleet, copied: Path, program: str) -> None:
    (copied / "group_data" / "fronts.py").write_text('front = {"server_name": "www.example.com", "wieght": 2}\n')
    before = fleet.all_containers()
    inventory = str(copied / "mine.py")
    arguments = ["deploy", inventory] if program == "rollcall" else ["-y", inventory, "deploy.py"]
    command = [str(Path(sys.executable).with_name(program)), *arguments]
    done = subprocess.run(command, cwd=PROJECT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "group_data/fronts.py:1: front.wieght: unknown setting; did you mean weight?" in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert fleet.all_containers() == before


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("inventories/lba.py",), "did you mean inventories/lab.py?"),
        (("--limit", "app7", LAB), "--limit app7 matches nothing"),
        (("/dev/null",), "inventory"),
    ],
)
def test_a_wrong_inventory_is_a_failure(fleet: Fleet, arguments: tuple[str, ...], sentence: str) -> None:
    said = rollcall("deploy", *arguments, code=1)
    assert sentence in said
    assert "Traceback" not in said


def test_an_empty_inventory_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "empty.py").write_text("consul_servers = []\n")
    assert "has no hosts" in rollcall("deploy", str(tmp_path / "empty.py"), code=1)


def test_a_host_without_an_engine_fails_alone(fleet: Fleet) -> None:
    before = fleet.containers("app1")
    fleet.on("app2", "systemctl stop docker.socket docker")
    try:
        said = rollcall("deploy", LAB, code=1)
        assert "app2" in said
        assert "Cannot connect to the Docker daemon" in said
        assert "Traceback" not in said
        assert fleet.containers("app1") == before
    finally:
        fleet.on("app2", "systemctl start docker.socket docker")
    rollcall("deploy", LAB)
    assert status() == 200


def test_a_foreign_container_is_named_and_kept(fleet: Fleet) -> None:
    fleet.on("app2", "docker rm -f nginx-1 && docker run -d --name nginx-1 nginx:1.30")
    try:
        said = rollcall("deploy", LAB, code=1)
        assert "a container named nginx-1 exists already and is not Rollcall's" in said
        assert "Traceback" not in said
    finally:
        fleet.on("app2", "docker rm -f nginx-1")
    rollcall("deploy", LAB)
