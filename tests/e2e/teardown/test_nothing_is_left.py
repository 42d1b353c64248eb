"""`rollcall lab down`, after everything else that the tests did: the machine is as it was."""

import contextlib
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from rollcall.config.project import CHECKOUT
from rollcall.lab import engine
from rollcall.lab.layout import GATEWAY, HOSTS, REGISTRY_PORT, STATE

PROJECT = CHECKOUT


def output(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


@pytest.fixture(scope="module", autouse=True)
def down() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from rollcall.cli.main import main; main()", "lab", "down"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_container_network_or_volume() -> None:
    """An engine that the lab started itself is gone with the last container, and then there is nothing to ask."""
    for label in ("rollcall.lab", "rollcall.managed", "rollcall.test"):
        for kind in (("ps", "-aq"), ("network", "ls", "-q"), ("volume", "ls", "-q")):
            assert output("docker", *kind, "--filter", f"label={label}") == "", (label, kind)


def processes() -> list[str]:
    lines = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):  # it ended meanwhile
            lines.append(file.read_text().replace("\0", " "))
    return lines


OURS = ("consul agent", "bin/registrator", "registry serve", "rollcall.front", "consul-template", "dnsmasq --keep")


def test_no_process() -> None:
    assert not [line for line in processes() if any(name in line for name in OURS)]


def test_an_engine_that_the_lab_started_is_stopped() -> None:
    assert engine.responds() or not [line for line in processes() if "dockerd" in line.split(" ")[0]]
    assert engine.responds() or not Path("/sys/class/net/docker0").exists()


@pytest.mark.parametrize("port", [REGISTRY_PORT, *(port for host in HOSTS for port in host.machine_ports)])
def test_no_port_is_taken(port: int) -> None:
    with socket.socket() as free:
        free.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        free.bind(("127.0.0.1", port))


def test_no_interface_of_the_lab() -> None:
    with socket.socket() as free, pytest.raises(OSError, match="Cannot assign requested address"):
        free.bind((GATEWAY, 0))


def test_no_key_is_kept() -> None:
    assert {file.name for file in STATE.iterdir()} <= {"lock", "images.lock", "dockerd.log"}


def test_the_resolver_is_the_machines_own() -> None:
    assert "172.17.0.1" not in Path("/etc/resolv.conf").read_text()
    assert not Path("/etc/rollcall").exists()
