"""Established connections from Linux's own tables, counting only clients."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from rollcall.drain.connections import HOST, Connection, Port, command, parse

WEB = "a" * 64
WEB_PORT = Port(WEB, 80)


def answer(*lines: str, network: str = WEB) -> str:
    return "\n".join([f"@@rollcall {network}", *lines, "@@rollcall end", ""])


def test_a_connection_to_the_port_is_found_with_its_peer() -> None:
    found = parse(answer("020011AC:0050 1F004D0A:D2F0"), [WEB_PORT])
    assert found == (Connection(WEB_PORT, "10.77.0.31"),)


@pytest.mark.parametrize(
    ("peer", "address"),
    [
        ("0000000000000000FFFF00001F004D0A", "10.77.0.31"),
        ("B80D0120000000000000000001000000", "2001:db8::1"),
    ],
)
def test_a_socket_of_ipv6_shows_its_visitors_too(peer: str, address: str) -> None:
    [found] = parse(answer(f"{peer}:0050 {peer}:D2F0"), [WEB_PORT])
    assert found.peer == address


def test_other_ports_and_other_networks_do_not_count() -> None:
    outgoing = "020011AC:D2F0 1F004D0A:0050"
    assert parse(answer(outgoing), [WEB_PORT]) == ()
    assert parse(answer("020011AC:0050 1F004D0A:D2F0", network="b" * 64), [WEB_PORT]) == ()


def test_a_containers_own_health_check_is_ignored_but_a_front_on_the_same_host_counts() -> None:
    line = "0100007F:0050 0100007F:D2F0"
    assert parse(answer(line), [WEB_PORT]) == ()
    assert len(parse(answer(line, network=HOST), [Port(HOST, 80)])) == 1


@pytest.mark.parametrize(
    "output", ["", "@@rollcall host\n020011AC:0050 1F004D0A:D2F0\n", "Cannot connect\n@@rollcall\n"]
)
def test_a_truncated_output_is_rejected(output: str) -> None:
    with pytest.raises(ValueError, match="cut off"):
        parse(output, [WEB_PORT])


def test_only_ids_get_into_the_command() -> None:
    with pytest.raises(ValueError, match="expected a container's id"):
        command(["$(reboot)"])


def host_with(tmp_path: Path, docker: str) -> dict[str, str]:
    """A machine whose docker is this script."""
    (tmp_path / "docker").write_text(f"#!/bin/sh\n{docker}\n")
    (tmp_path / "docker").chmod(0o755)
    return {"PATH": f"{tmp_path}:{os.environ['PATH']}"}


def look(host: dict[str, str], *ports: Port) -> tuple[Connection, ...]:
    script = command(port.network for port in ports)
    said = subprocess.run(["sh", "-c", script], env=host, capture_output=True, text=True, check=True).stdout
    return parse(said, ports)


def test_a_connection_is_seen_as_long_as_it_is_open(tmp_path: Path) -> None:
    """Through the container's first process, whose network is this machine's here."""
    pid = f"case $1 in ps) echo {WEB} ;; inspect) echo {WEB} {os.getpid()} ;; esac"
    host = host_with(tmp_path, pid)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            accepted, _ = listener.accept()
            with accepted:
                assert look(host, Port(HOST, port)) == (Connection(Port(HOST, port), "127.0.0.1"),)
                # Both networks are the same here: the connection is in the container's, and ignored as its own.
                assert look(host, Port(WEB, port)) == ()
        assert look(host, Port(HOST, port)) == ()


def test_a_container_that_is_gone_has_no_connections(tmp_path: Path) -> None:
    host = host_with(tmp_path, "case $1 in ps) exit 0 ;; *) exit 1 ;; esac")
    assert look(host, WEB_PORT) == ()


def test_an_engine_that_does_not_respond_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError):
        look(host_with(tmp_path, "exit 1"), WEB_PORT)
