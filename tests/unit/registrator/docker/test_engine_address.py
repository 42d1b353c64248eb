"""Where the engine is, by the variables of docker's own command line."""

import pytest

from rollcall.registrator.docker.engine_address import engine_target
from rollcall.registrator.flags import UsageError


@pytest.mark.parametrize(
    ("host", "place"),
    [
        ("", ("/tmp/docker.sock", "localhost", 0)),
        ("unix:///run/docker.sock", ("/run/docker.sock", "localhost", 0)),
        ("tcp://10.0.0.1:2375", ("", "10.0.0.1", 2375)),
        ("tcp://10.0.0.1", ("", "10.0.0.1", 2375)),
        ("tcp://[::1]:2375/", ("", "::1", 2375)),
        ("http://engine", ("", "engine", 2375)),
    ],
)
def test_where_it_is(host: str, place: tuple[str, str, int]) -> None:
    target = engine_target({"DOCKER_HOST": host})
    assert (target.socket, target.host, target.port) == place
    assert target.tls is None


def test_by_tls_it_is_verified_if_asked_for() -> None:
    checked = engine_target({"DOCKER_HOST": "tcp://10.0.0.1", "DOCKER_TLS_VERIFY": "1"})
    assert checked.port == 2376
    assert checked.tls and checked.tls.check_hostname
    unchecked = engine_target({"DOCKER_HOST": "https://10.0.0.1:1"})
    assert unchecked.tls and not unchecked.tls.check_hostname


@pytest.mark.parametrize(
    "host",
    [
        "ssh://host",
        "unix://run/docker.sock",
        "unix://",
        "10.0.0.1:2375",
        "tcp://",
        "tcp://a:b",
        "tcp://a/b",
        "npipe://x",
    ],
)
def test_anything_else_is_one_sentence(host: str) -> None:
    with pytest.raises(UsageError) as raised:
        engine_target({"DOCKER_HOST": host})
    assert f"DOCKER_HOST: got {host!r}" in str(raised.value)
    assert "expected unix:///path/to.sock or tcp://HOST:PORT" in str(raised.value)


def test_certificates_that_cannot_be_read_are_one_sentence(tmp_path: object) -> None:
    with pytest.raises(UsageError) as raised:
        engine_target({"DOCKER_HOST": "tcp://a", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(tmp_path)})
    assert "DOCKER_CERT_PATH" in str(raised.value)
