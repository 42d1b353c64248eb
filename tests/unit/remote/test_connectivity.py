"""Errors about hosts whose SSH server does not respond."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.remote import connectivity


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def greet(listener: socket.socket, greeting: bytes) -> Host:
    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.sendall(greeting)

    threading.Thread(target=serve, daemon=True).start()
    return Host("web1", "ssh", "127.0.0.1", port=listener.getsockname()[1])


def test_an_ssh_server_is_enough(listener: socket.socket) -> None:
    connectivity.check([greet(listener, b"SSH-2.0-OpenSSH_9.2\r\n"), Host("@local", "local", "127.0.0.1")])


def test_a_port_that_accepts_without_an_ssh_banner(listener: socket.socket) -> None:
    with pytest.raises(RollcallError, match=r"web1 \(127.0.0.1:\d+: accepts connections, but is not an SSH server\)"):
        connectivity.check([greet(listener, b"HTTP/1.0 400 Bad Request\r\n")])


def test_every_silent_host_is_named() -> None:
    hosts = [Host(name, "ssh", "127.0.0.1", port=closed_port()) for name in ("web1", "web2")]
    with pytest.raises(RollcallError, match=r"web1 .*connection refused.*, web2 .*do not respond by SSH; check"):
        connectivity.check(hosts)


def test_a_deploy_names_the_way_to_those_that_respond(listener: socket.socket, tmp_path: Path) -> None:
    greet(listener, b"SSH-2.0-OpenSSH_9.2\r\n")
    ports = {"web1": closed_port(), "web2": listener.getsockname()[1]}
    reached = {"ssh_hostname": "127.0.0.1"}
    hosts = [
        (name, {**reached, "ssh_port": port, "address": f"10.0.0.{number}"})
        for number, (name, port) in enumerate(ports.items(), 1)
    ]
    source = tmp_path / "inventory.py"
    source.write_text(f"consul_servers, app_servers = {hosts[:1]!r}, {hosts[1:]!r}\n")
    (tmp_path / "deploy.py").write_text("from rollcall.components import consul\nCOMPONENTS = (consul.COMPONENT,)\n")
    done = subprocess.run(
        [sys.executable, "-m", "rollcall", "deploy", str(source)],
        capture_output=True,
        text=True,
        check=False,
        timeout=50,
    )
    assert done.returncode == 1
    said = " ".join(done.stderr.split())
    assert "web1 (127.0.0.1" in said and "web2 (127.0.0.1" not in said
    assert said.endswith("Or deploy to the others alone, with --limit HOST|GROUP for each.")


def test_the_lab_is_not_up(monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setattr(connectivity, "LAB_PORTS", range(port, port + 1))
    with pytest.raises(RollcallError, match=r"consul1 .* does not respond by SSH: .*run `rollcall lab up`"):
        connectivity.check([Host("consul1", "ssh", "127.0.0.1", port=port)])


# ssh: prints where it would connect, and what the host would print; creates `asked` if the host got a request.
SSH = """#!/bin/sh
[ "$1" = -G ] && exec printf 'hostname 127.0.0.1\\nport %s\\nuser {user}\\n' {port}
touch {folder}/asked
printf '@@rollcall user\\n{number}\\n{user}\\n{user}\\n@@rollcall sudo\\n{sudo}\\n@@rollcall end\\n'
"""


@pytest.fixture
def login(listener: socket.socket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., tuple[Host, Path]]:
    """Return a host whose SSH server responds, reached by an ssh with this user."""

    def log_in(user: str, number: int, sudo: str, data: dict[str, object]) -> tuple[Host, Path]:
        greeted = greet(listener, b"SSH-2.0-OpenSSH_9.2\r\n")
        program = tmp_path / "ssh"
        program.write_text(SSH.format(user=user, number=number, sudo=sudo, port=greeted.port, folder=tmp_path))
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
        return replace(greeted, data=data), tmp_path / "asked"

    return log_in


def test_root_needs_no_request(login: Callable[..., tuple[Host, Path]]) -> None:
    host, asked = login("root", 0, "sudo: not found", {})
    connectivity.check([host])
    assert not asked.exists()


def test_a_user_with_sudo_needs_one_request(login: Callable[..., tuple[Host, Path]]) -> None:
    host, asked = login("admin", 1000, "0", {"_sudo": True})
    connectivity.check([host])
    assert asked.exists()


@pytest.mark.parametrize(
    ("sudo", "data", "sentence"),
    [
        ("0", {}, "web1: admin is not root; set `_sudo = True` for this host"),
        ("sudo: a password is required", {"_sudo": True}, "web1: sudo rejects admin .*expected `admin ALL="),
    ],
)
def test_a_user_without_roots_rights_is_a_sentence(
    login: Callable[..., tuple[Host, Path]], sudo: str, data: dict[str, object], sentence: str
) -> None:
    host, _ = login("admin", 1000, sudo, data)
    with pytest.raises(RollcallError, match=sentence):
        connectivity.check([host])
