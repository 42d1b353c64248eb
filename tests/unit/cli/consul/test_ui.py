"""Which port of this machine leads to the UI."""

import socket

import pytest

from rollcall.cli.consul.ui import check_port
from rollcall.config.inventory import Host
from rollcall.errors import RollcallError

FAR = Host("consul1", "ssh", "consul1")
HERE = Host("@local", "local", "127.0.0.1")


def test_without_a_port_any_free_one_is_used() -> None:
    check_port(FAR, None)
    check_port(HERE, None)


def test_a_taken_port_is_refused() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(
            RollcallError, match=f"--port: cannot use port {port} of this machine: address already in use"
        ):
            check_port(FAR, port)
    check_port(FAR, port)


def test_this_machine_needs_no_other_port() -> None:
    with pytest.raises(RollcallError, match="with its UI at port 8500; leave out --port"):
        check_port(HERE, 8600)
