"""Find a host's listeners, from the output of its kernel and its engine."""

import os
import socket
import subprocess
from pathlib import Path

import pytest

from rollcall.verify import listeners
from rollcall.verify.listeners import Listener, with_published

ONE, OTHER = "9c" * 32, "a1" * 32
OUTPUT = f"""@@rollcall containers
{ONE} consul
{OTHER} dns
@@rollcall owners
{ONE} socket:[4711]
{OTHER} socket:[4712]
{OTHER} socket:[99]
@@rollcall sockets
tcp 0100007F:2134 4711
udp 010011AC:0035 4712
tcp 00000000000000000000000000000000:0016 4713
@@rollcall end
"""


def test_each_socket_has_its_container() -> None:
    assert listeners.parse(OUTPUT) == {
        Listener("tcp", "127.0.0.1", 8500, "consul"),
        Listener("udp", "172.17.0.1", 53, "dns"),
        Listener("tcp", "", 22),
    }


@pytest.mark.parametrize("length", [0, len(OUTPUT) // 2, len(OUTPUT) - 5])
def test_truncated_output_is_refused(length: int) -> None:
    with pytest.raises(ValueError, match="cut off"):
        listeners.parse(OUTPUT[:length])


def test_published_ports_belong_to_their_containers() -> None:
    ports = {
        "80/tcp": [{"HostIp": "10.0.0.1", "HostPort": "20000"}],
        "443/tcp": [{"HostIp": "0.0.0.0", "HostPort": "443"}, {"HostIp": "::", "HostPort": "443"}],
        "53/udp": None,
    }
    web = {"Name": "/web", "NetworkSettings": {"Ports": ports}}
    proxy = Listener("tcp", "10.0.0.1", 20000)
    others = Listener("tcp", "", 22)
    # Without the engine's proxy nothing listens at port 443.
    assert with_published({proxy, others}, [web]) == {
        Listener("tcp", "10.0.0.1", 20000, "web"),
        Listener("tcp", "", 443, "web"),
        others,
    }


def test_the_command_finds_listening_sockets_only(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text(f"#!/bin/sh\necho {ONE} consul\n")
    docker.chmod(0o755)
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket(type=socket.SOCK_DGRAM) as datagrams:
        datagrams.bind(("127.0.0.1", 0))
        tcp, udp = server.getsockname()[1], datagrams.getsockname()[1]
        with socket.create_connection(("127.0.0.1", tcp)) as connected, server.accept()[0]:
            done = subprocess.run(
                listeners.command(),
                shell=True,
                env={**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"},
                capture_output=True,
                text=True,
                check=True,
            )
            seen = listeners.parse(done.stdout)
            assert Listener("tcp", "127.0.0.1", tcp) in seen
            assert Listener("udp", "127.0.0.1", udp) in seen
            assert connected.getsockname()[1] not in {one.port for one in seen}


def test_a_stopped_engine_is_reported(tmp_path: Path) -> None:
    docker = tmp_path / "docker"
    docker.write_text("#!/bin/sh\necho 'Cannot connect to the Docker daemon' >&2\nexit 1\n")
    docker.chmod(0o755)
    env = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    done = subprocess.run(["sh", "-c", listeners.command()], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 91
    assert "Cannot connect to the Docker daemon" in done.stderr
