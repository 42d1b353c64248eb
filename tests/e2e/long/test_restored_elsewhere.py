"""A fleet whose hosts are all gone comes back from its backup alone, in an empty folder and at other addresses."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for

ADDRESS = '"address": host.address,'
NEW = '"address": host.address.replace("10.77.0.", "10.77.0.1"),'


@pytest.fixture
def new_addresses(fleet: Fleet) -> Iterator[None]:
    addresses = {member.name: member.address.replace("10.77.0.", "10.77.0.1") for member in fleet.declared.members}
    for host, address in addresses.items():
        fleet.on(host, f"ip address add {address}/24 dev eth0")
    yield
    # Also after a failure half-way: from nothing.
    rollcall("remove", LAB, "--yes")
    for host, address in addresses.items():
        fleet.on(host, f"ip address del {address}/24 dev eth0")
    rollcall("deploy", LAB)
    wait_for("answer of every backend", lambda: answering() == BACKENDS)


@pytest.mark.usefixtures("new_addresses")
def test_a_burned_fleet_comes_back_from_its_backup_by_two_commands(tmp_path: Path) -> None:
    (tmp_path / "passphrase").touch(0o600)
    (tmp_path / "passphrase").write_text("open sesame")
    by, file, folder = ("--passphrase-file", str(tmp_path / "passphrase")), str(tmp_path / "lab.age"), tmp_path / "new"
    rollcall("consul", LAB, "--", "kv", "put", "shop/greeting", "hello")
    rollcall("backup", LAB, file, *by)
    rollcall("remove", LAB, "--yes")

    said = rollcall("restore", "--settings", str(folder), file, *by)
    inventory = folder / LAB
    inventory.write_text(inventory.read_text().replace(ADDRESS, NEW))
    command = re.search(r"then: cd (\S+) && rollcall (restore .*)", said)
    assert command
    argv = [sys.executable, "-m", "rollcall", *command[2].split(), *by, "--yes"]
    done = subprocess.run(argv, cwd=command[1], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Restored" in done.stdout

    project = ("--project", str(folder))
    assert "hello" in rollcall(*project, "consul", str(inventory), "--", "kv", "get", "shop/greeting")
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    assert "nothing had to change" in rollcall(*project, "deploy", str(inventory))
    assert "✗" not in rollcall(*project, "verify", str(inventory))
