"""The logins of image registries: whose they are, and how Docker gets them."""

import base64
import json
from pathlib import Path

import pytest

from rollcall.errors import RollcallError
from rollcall.secrets import registry_logins
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.registry_logins import Login, RegistryLogins, directory, registry_of, text

CI = Login("ci", "hunter2:ä")


@pytest.mark.parametrize(
    ("image", "registry"),
    [
        ("nginx", "docker.io"),
        ("shop/web:1", "docker.io"),
        ("docker.io/shop/web:1", "docker.io"),
        ("localhost/web", "localhost"),
        ("registry:5000/web@sha256:1", "registry:5000"),
        ("ghcr.io/shop/web:1", "ghcr.io"),
    ],
)
def test_the_registry_of_an_image(image: str, registry: str) -> None:
    assert registry_of(image) == registry
    login = RegistryLogins({registry: CI})
    assert login.of(image) == CI
    assert json.loads(base64.urlsafe_b64decode(login.header(image))) == {"username": "ci", "password": CI.password}
    ((host, given),) = json.loads(login.configuration(image))["auths"].items()
    assert host == ("https://index.docker.io/v1/" if registry == "docker.io" else registry)
    assert base64.b64decode(given["auth"]).decode() == f"ci:{CI.password}"


def test_without_a_login_docker_gets_none() -> None:
    logins = RegistryLogins({"ghcr.io": CI})
    assert logins.configuration("nginx:1.30") == ""
    assert base64.urlsafe_b64decode(logins.header("nginx:1.30")) == b"{}"


def test_a_login_is_read_as_it_was_written_and_the_environment_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = PrivateDirectory(tmp_path / "lab")
    directory(folder).write("registry.example.com:5000", text(CI))
    logins = registry_logins.read(folder)
    assert logins.by_host == {"registry.example.com:5000": CI}
    assert CI.password not in repr(logins) + repr(CI)
    monkeypatch.setenv("ROLLCALL_REGISTRY_REGISTRY_EXAMPLE_COM_5000", "bot:a:b")
    assert logins.of("registry.example.com:5000/shop") == Login("bot", "a:b")
    monkeypatch.setenv("ROLLCALL_REGISTRY_REGISTRY_EXAMPLE_COM_5000", "hunter2")
    with pytest.raises(RollcallError) as refusal:
        logins.of("registry.example.com:5000/shop")
    assert str(refusal.value).endswith("5000: got no login; expected USERNAME:PASSWORD")


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"username": "x"}'])
def test_a_malformed_login_is_one_sentence(tmp_path: Path, content: str) -> None:
    directory(PrivateDirectory(tmp_path)).write("ghcr.io", content)
    with pytest.raises(RollcallError, match=r"registries/ghcr.io: expected a login as `rollcall secret set INVENTORY"):
        registry_logins.read(PrivateDirectory(tmp_path, draft=True))
