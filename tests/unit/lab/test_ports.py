import socket

import pytest

from rollcall.errors import RollcallError
from rollcall.lab import ports


def test_a_lab_that_does_not_run_needs_every_port() -> None:
    assert sorted(ports.wanted([])) == [8080, 8443, 22002, 22011, 22012, 22013, 22021, 22022, 22031]


def test_a_running_container_has_its_ports_already() -> None:
    wanted = ports.wanted(["rollcall-lab-front1", "rollcall-lab-registry"])
    assert sorted(wanted) == [22011, 22012, 22013, 22021, 22022]


def test_a_taken_port_is_reported_with_its_purpose_and_owner() -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        with pytest.raises(
            RollcallError, match=rf"Port {port} of 127.0.0.1, which the lab's host front1 needs, is taken"
        ):
            ports.check({port: "the lab's host front1"})


def test_free_ports_are_accepted() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    ports.check({port: "the lab's registry"})


def test_the_error_names_the_next_step() -> None:
    assert ports.conflict(8080, "the lab's host front1", "python3 (process 7)") == (
        "Port 8080 of 127.0.0.1, which the lab's host front1 needs, is taken by python3 (process 7); "
        "stop that program and run the command again."
    )
