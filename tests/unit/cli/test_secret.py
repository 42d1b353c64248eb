"""`rollcall secret`: values come from standard input, stay private, and are never shown."""

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from rollcall.cli.service.secret import secret
from rollcall.config.project import CHECKOUT
from rollcall.errors import RollcallError

VALUE = "correct horse"
SERVICES = 'services = [{"name": "shop", "image": "shop:1", "secrets": ["database-password"]}]\n'


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copy(CHECKOUT / "deploy.py", tmp_path)
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data" / "all.py").write_text(SERVICES)
    (tmp_path / "one.py").write_text('consul_servers = ["@local"]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, value: bytes = b"") -> str:
    result = CliRunner().invoke(secret, arguments, input=value)
    assert VALUE not in result.output
    if isinstance(result.exception, RollcallError):
        return str(result.exception)
    assert result.exception is None, result.exception
    return " ".join(result.output.split())


def kept(project: Path) -> dict[str, bytes]:
    folder = project / ".secrets" / "one" / "services"
    return {str(file.relative_to(folder)): file.read_bytes() for file in folder.glob("*/*")}


def test_a_value_is_set_listed_and_removed(project: Path) -> None:
    assert run("list", "one.py") == (
        "shop database-password: no value; rollcall secret set one.py shop database-password"
    )
    assert not (project / ".secrets").exists()
    said = run("set", "one.py", "shop", "database-password", value=f"{VALUE}\n\n".encode())
    assert said == "Set shop database-password. Next: rollcall deploy one.py"
    assert kept(project) == {"shop/database-password": f"{VALUE}\n".encode()}
    assert (project / ".secrets" / "one").stat().st_mode & 0o777 == 0o700
    assert run("list", "one.py").startswith("shop database-password: set at 20")
    assert run("remove", "one.py", "shop", "database-password") == (
        "Removed the value of shop database-password. It is still declared, so a deploy will need a value."
    )
    assert kept(project) == {}


def test_a_value_that_nobody_declares_is_kept_and_said(project: Path) -> None:
    said = run("set", "one.py", "shop", "database-pasword", value=VALUE.encode())
    assert "No service declares it yet; did you mean database-password?" in said
    said = run("set", "one.py", "shopp", "database-password", value=VALUE.encode())
    assert "No service declares it yet; did you mean shop database-password?" in said
    assert run("list", "one.py", "shop").startswith("shop database-password: no value;")
    assert "shop database-pasword: no service declares it" in run("list", "one.py", "shop")
    assert run("list", "one.py", "cart") == "cart declares no secret; docs/services.md."


def test_the_environment_of_the_deployer_is_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD", VALUE)
    assert run("list", "one.py") == "shop database-password: given by ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD"


@pytest.mark.parametrize(
    ("arguments", "value", "sentence"),
    [
        (("set", "one.py", "shop", f"password={VALUE}"), b"", "NAME: expected a letter, then letters, digits"),
        (("set", "one.py", "Shop", "password"), b"x", "SERVICE: got 'Shop'; expected the name of a service"),
        (("set", "one.py", "shop", "password"), b"", "shop password: got an empty value; expected text"),
        (("set", "one.py", "shop", "password"), b"\n", "shop password: got an empty value; expected text"),
        (("set", "one.py", "shop", "password"), b"a\0b", "shop password: got a NUL byte; expected text"),
        (("set", "one.py", "shop", "password"), b"\xff", "standard input: got bytes that are not UTF-8"),
        (("set", "one.py", "shop"), b"x", "expected SERVICE and NAME of a secret, or --registry HOST"),
        (("set", "one.py", "shop", "password", "--registry", "ghcr.io"), b"x", "expected SERVICE and NAME of a secret"),
        (("set", "one.py", "--registry", "ghcr.io"), b"x", "--registry ghcr.io: expected the user, too: --username"),
        (("set", "one.py", "--registry", "https://x/", "--username", "ci"), b"x", "--registry: got 'https://x/'; exp"),
        (("set", "one.py", "--registry", "ghcr.io", "--username", "ci"), b"", "the password of ghcr.io: got an empty"),
        (("remove", "one.py", "--registry", "ghcr.io"), b"", "the login of ghcr.io has no value here; there are none"),
        (("remove", "one.py", "shop", "password"), b"", "shop password has no value here; there are none"),
    ],
)
def test_mistakes_are_one_sentence(project: Path, arguments: tuple[str, ...], value: bytes, sentence: str) -> None:
    said = run(*arguments, value=value)
    assert said.startswith(sentence)
    assert kept(project) == {}


def test_the_values_of_a_renamed_inventory_stay_with_the_fleets_secrets(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A deploy finds these by the identity on the hosts."""
    old = project / ".secrets" / "former"
    old.mkdir(parents=True, mode=0o700)
    (old / "identity.json").touch(mode=0o600)
    monkeypatch.setattr("rollcall.secrets.deployed.find", lambda _named, _hosts: old)
    monkeypatch.setattr("rollcall.secrets.deployed.IDENTITY", "identity.json")
    run("set", "one.py", "shop", "database-password", value=VALUE.encode())
    assert (old / "services" / "shop" / "database-password").read_text() == VALUE


def test_the_login_of_a_registry_is_set_listed_and_removed(project: Path) -> None:
    said = run("set", "one.py", "--registry", "ghcr.io", "--username", "ci", value=f"{VALUE}\n".encode())
    assert said == "Set the login of ghcr.io. Hosts get it only while they pull an image."
    file = project / ".secrets" / "one" / "registries" / "ghcr.io"
    assert json.loads(file.read_text()) == {"username": "ci", "password": VALUE}
    assert (file.stat().st_mode & 0o777, file.parent.stat().st_mode & 0o777) == (0o600, 0o700)
    assert run("list", "one.py").startswith("the login of ghcr.io: set at 20")
    assert "ghcr" not in run("list", "one.py", "shop")
    assert run("remove", "one.py", "--registry", "ghcr.io") == "Removed the value of the login of ghcr.io."
    assert not file.exists()
