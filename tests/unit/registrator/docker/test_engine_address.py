"""The engine's address, by the variables of Docker's own command line."""

import ssl
from pathlib import Path

import pytest

from rollcall.registrator.docker.engine_address import engine_target
from rollcall.registrator.flags import UsageError
from rollcall.secrets.certificates import authority, issue


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


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    signer = authority("test")
    own = issue(signer, "test", [], "client")
    for name, text in (("ca", signer.certificate), ("cert", own.certificate), ("key", own.key)):
        (tmp_path / f"{name}.pem").write_text(text)
    return tmp_path


def tls(host: str, **environment: str) -> ssl.SSLContext:
    found = engine_target({"DOCKER_HOST": host, **environment}).tls
    assert found
    return found


def test_verification_needs_docker_tls_verify_as_for_dockers_command_line(folder: Path) -> None:
    verified = tls("tcp://10.0.0.1", DOCKER_TLS_VERIFY="1", DOCKER_CERT_PATH=str(folder))
    assert verified.check_hostname and verified.verify_mode is ssl.CERT_REQUIRED
    assert len(verified.get_ca_certs()) == 1, "trusts ca.pem alone"
    unverified = tls("tcp://10.0.0.1", DOCKER_CERT_PATH=str(folder))
    assert not unverified.check_hostname and unverified.verify_mode is ssl.CERT_NONE


def test_the_port_follows_tls(folder: Path) -> None:
    assert engine_target({"DOCKER_HOST": "tcp://a", "DOCKER_CERT_PATH": str(folder)}).port == 2376


def test_https_is_verified_unless_a_certificate_folder_says_otherwise() -> None:
    assert tls("https://10.0.0.1:1").check_hostname


def test_without_a_folder_it_is_the_one_in_the_home_directory(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = folder / "home"
    home.mkdir()
    monkeypatch.setenv("HOME", str(home))
    with pytest.raises(UsageError, match=r"DOCKER_TLS_VERIFY: cannot read .*/home/.docker/ca.pem"):
        tls("tcp://a", DOCKER_TLS_VERIFY="1")
    (home / ".docker").symlink_to(folder)
    assert len(tls("tcp://a", DOCKER_TLS_VERIFY="1").get_ca_certs()) == 1


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
