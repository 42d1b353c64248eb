"""Hosts that leave, die and come back, under 32 keep-alive clients."""

import base64
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deployed import BACKENDS, LAB, PROJECT, Fleet, answering, rollcall, wait_for
from keep_alive_load import Load
from lab_servers import agents, die, led_by, start, without_app2

FRONT_PORT = 8080
SERVERS = ("consul1", "consul2", "consul3")


@pytest.fixture
def lab_again(fleet: Fleet) -> Iterator[None]:
    yield
    start(fleet, "app2")
    rollcall("deploy", "--yes", LAB)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


@pytest.fixture
def rest(tmp_path: Path) -> str:
    return without_app2(tmp_path)


def unwrapped(output: str) -> str:
    return " ".join(output.split())


@pytest.mark.usefixtures("lab_again")
def test_a_host_leaves_without_a_lost_request(fleet: Fleet, rest: str, says: Callable[[str], None]) -> None:
    load = Load(FRONT_PORT)
    with load.running():
        said = rollcall("remove", LAB, "--host", "app2", "--yes")
    says(f"{said.strip().splitlines()[-1]} {load.requests} requests")
    assert load.broken == {}
    assert "app2" not in {name for name, status in agents(fleet).items() if status == 1}
    assert fleet.on("app2", "docker ps -aq; docker volume ls -q; ls /etc/rollcall 2>/dev/null", check=False) == ""
    assert "app2" not in rollcall("curl", LAB, "/v1/catalog/nodes")
    assert "app2" not in rollcall("consul", LAB, "--management", "--", "acl", "policy", "list")
    assert "✗" not in rollcall("verify", rest)
    assert "nothing had to change" in rollcall("deploy", rest)
    assert "nothing was left" in rollcall("forget", LAB, "app2", "--yes")


@pytest.mark.usefixtures("lab_again")
def test_a_dead_host_is_named_until_it_is_forgotten(fleet: Fleet, rest: str) -> None:
    runs = rollcall("forget", LAB, "app2", "--yes", code=1)
    assert "app2 runs; expected a dead host" in runs
    assert "app2 (10.77.0.22) is in no inventory, and its Consul agent still runs" in unwrapped(
        rollcall("status", rest)
    )
    die(fleet, "app2")
    command = f"rollcall forget {rest} app2"
    assert command in unwrapped(rollcall("verify", rest, code=1))
    assert command in unwrapped(rollcall("deploy", "--dry", rest))
    with_load = Load(FRONT_PORT)
    with with_load.running():
        assert "Forgot app2" in rollcall("forget", rest, "app2", "--yes")
    assert with_load.broken == {}
    assert "app2" not in agents(fleet)
    assert "✗" not in rollcall("verify", rest)
    assert "is in no inventory" not in rollcall("deploy", rest)


def test_a_running_fleet_gets_its_keys_back_without_a_lost_request(
    fleet: Fleet, tmp_path: Path, says: Callable[[str], None]
) -> None:
    passphrase, file = tmp_path / "passphrase", str(tmp_path / "lab.age")
    passphrase.touch(0o600)
    passphrase.write_text("open sesame")
    by = ("--passphrase-file", str(passphrase))
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    assert "Backed up" in rollcall("backup", LAB, file, *by)
    fleet.on("app1", "docker run -d --name later -P -e SERVICE_443_IGNORE=true -e SERVICE_80_NAME=later nginx:1.30")
    wait_for("the later service", lambda: fleet.consul("/v1/catalog/service/later"))
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    load = Load(FRONT_PORT)
    with load.running():
        said = rollcall("restore", LAB, file, *by, "--yes")
    says(f"{said.strip().splitlines()[-1]} {load.requests} requests")
    assert load.broken == {}
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    assert fleet.consul("/v1/catalog/service/later")
    fleet.on("app1", "docker rm -f later")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    rollcall("deploy", LAB)
    assert "✗" not in rollcall("verify", LAB)


@pytest.fixture
def timed(tmp_path: Path, fleet: Fleet) -> Iterator[str]:
    """The lab's inventory, whose servers make a backup every ten seconds; without them again at the end."""
    (tmp_path / "lab.py").write_text((PROJECT / LAB).read_text())
    (tmp_path / "group_data").mkdir()
    settings = tmp_path / "group_data" / "consul_servers.py"
    settings.write_text('consul_server = {"backups": {"every": "10s", "keep": 3}}\n')
    yield str(tmp_path / "lab.py")
    settings.unlink()
    said = unwrapped(rollcall("deploy", str(tmp_path / "lab.py")))
    assert "makes no more backups of Consul; those that it has stay in /var/lib/rollcall/backups" in said
    for server in SERVERS:
        assert (
            fleet.on(server, "docker ps -q --filter name=consul-backups; ls /etc/rollcall/backups", check=False) == ""
        )
        fleet.on(server, "rm -r /var/lib/rollcall/backups")


def test_the_servers_make_backups_and_a_restore_takes_one(fleet: Fleet, timed: str, tmp_path: Path) -> None:
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    rollcall("deploy", timed)
    assert "the newest backup of Consul is" in unwrapped(rollcall("verify", timed))
    assert "Newest backup of Consul: " in unwrapped(rollcall("status", timed))
    first = newest(fleet)
    # Whichever server leads makes them. One that only restarts may win the election again.
    fleet.on(first["node"], "docker stop consul")
    try:
        wait_for("a backup by another server", lambda: newest(fleet).get("node", first["node"]) != first["node"], 60)
    finally:
        fleet.on(first["node"], "docker start consul")
    assert "rollcall_front_backup_time_seconds" in fleet.on("front1", "curl -s 127.0.0.1:8511/metrics")
    taken = newest(fleet)
    saved = tmp_path / "consul.snapshot"
    saved.write_bytes(base64.b64decode(fleet.on(taken["node"], f"base64 -w0 {taken['file']}")))
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    assert "a snapshot of Consul's index" in unwrapped(rollcall("restore", timed, str(saved), "--yes"))
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    for server in SERVERS:
        assert int(fleet.on(server, "ls /var/lib/rollcall/backups | wc -l")) <= 3


def newest(fleet: Fleet) -> dict[str, Any]:
    """The record of the newest backup; empty without a leader."""
    return dict(fleet.consul("/v1/kv/rollcall/backups/newest?raw", "front1") or {})


def test_a_lost_quorum_is_recovered_from_the_last_server(fleet: Fleet, says: Callable[[str], None]) -> None:
    assert "nothing to recover" in rollcall("recover", LAB)
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    load = Load(FRONT_PORT)
    with load.running():
        for host in ("consul2", "consul3"):
            fleet.on(host, "docker rm --force consul && docker volume rm consul-data")
        wait_for("no leader", lambda: fleet.consul("/v1/status/leader", "consul1") in (None, ""), 60)
        said = rollcall("recover", LAB, "--yes")
        assert "2 of 3 Consul servers are gone: consul2, consul3" in said
        assert "nothing to recover" in rollcall("recover", LAB)
        rollcall("deploy", LAB)
    says(f"{said.strip().splitlines()[-1]} {load.requests} requests")
    assert load.broken == {}
    assert "hello" in rollcall("consul", LAB, "--", "kv", "get", "shop/greeting")
    rollcall("consul", LAB, "--", "kv", "delete", "shop/greeting")
    assert "✗" not in rollcall("verify", LAB)


def test_hosts_restart_without_a_lost_request(fleet: Fleet, says: Callable[[str], None]) -> None:
    started = {host: fleet.on(host, "awk '{print $22}' /proc/1/stat") for host in ("app1", "consul1")}
    load = Load(FRONT_PORT)
    with load.running():
        said = rollcall("reboot", LAB, "app1", "consul1", "--yes")
    says(f"{said.strip().splitlines()[-1]} {load.requests} requests")
    assert load.broken == {}
    assert all(fleet.on(host, "awk '{print $22}' /proc/1/stat") != before for host, before in started.items())
    assert "✗" not in rollcall("verify", LAB)


def test_the_leader_restarts_without_a_lost_request(fleet: Fleet, says: Callable[[str], None]) -> None:
    leader = led_by(fleet)
    load = Load(FRONT_PORT)
    with load.running():
        said = rollcall("reboot", LAB, leader, "--yes")
        assert led_by(fleet) != leader
        leader = led_by(fleet)
        # Named first, it is last all the same.
        all_three = rollcall("reboot", LAB, leader, *(one for one in SERVERS if one != leader), "--yes")
    says(f"{said.strip().splitlines()[-1]} {all_three.strip().splitlines()[-1]} {load.requests} requests")
    order = re.findall(r"✓ (\w+) restarts", all_three)
    assert set(order) == set(SERVERS)
    assert order[-1] == leader
    assert load.broken == {}
    assert "✗" not in rollcall("verify", LAB)
