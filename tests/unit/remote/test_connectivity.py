"""What is said of hosts where no SSH server answers."""

import socket
import threading
from collections.abc import Iterator

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


def test_a_port_that_accepts_and_says_something_else(listener: socket.socket) -> None:
    with pytest.raises(RollcallError, match=r"web1 \(127.0.0.1:\d+: accepts, but is no SSH server\)"):
        connectivity.check([greet(listener, b"HTTP/1.0 400 Bad Request\r\n")])


def test_every_silent_host_is_named() -> None:
    hosts = [Host(name, "ssh", "127.0.0.1", port=closed_port()) for name in ("web1", "web2")]
    with pytest.raises(RollcallError, match=r"web1 .*connection refused.*, web2 .*do not answer by SSH; check"):
        connectivity.check(hosts)


def test_the_lab_is_not_up(monkeypatch: pytest.MonkeyPatch) -> None:
    port = closed_port()
    monkeypatch.setattr(connectivity, "LAB_PORTS", range(port, port + 1))
    with pytest.raises(RollcallError, match=r"consul1 .* does not answer by SSH: .*run `make lab`"):
        connectivity.check([Host("consul1", "ssh", "127.0.0.1", port=port)])
