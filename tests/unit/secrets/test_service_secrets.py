"""The values of services' secrets: where they come from, and what their digest tells."""

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from six_hosts import checked

from rollcall.config.fleet import Fleet
from rollcall.errors import RollcallError
from rollcall.secrets import service_secrets, store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.service_secrets import ServiceSecrets, of_service

SHOP = {"name": "shop", "image": "shop:1", "secrets": ["database-password", "api_key"]}
PASSWORD = ("shop", "database-password")


@pytest.fixture
def shop() -> Fleet:
    return checked(services=[SHOP])


def folder(tmp_path: Path) -> PrivateDirectory:
    return PrivateDirectory(tmp_path / "lab")


def test_values_are_read_as_they_were_written_and_missing_ones_are_none(tmp_path: Path, shop: Fleet) -> None:
    of_service(folder(tmp_path), "shop").write("database-password", "pä55\r\n\nword\n")
    read = service_secrets.read(folder(tmp_path), shop)
    assert read.values == {PASSWORD: "pä55\r\n\nword\n"}
    assert read.value("shop", "api_key") == ""


def test_every_directory_of_a_value_is_private(tmp_path: Path) -> None:
    of_service(folder(tmp_path), "shop").write("database-password", "x")
    found = {path.relative_to(tmp_path): path.stat().st_mode & 0o777 for path in (tmp_path / "lab").rglob("*")}
    assert found == {
        Path("lab/services"): 0o700,
        Path("lab/services/shop"): 0o700,
        Path("lab/services/shop/database-password"): 0o600,
    }


@pytest.mark.parametrize(("name", "mode"), [("", 0o750), ("shop", 0o710), ("shop/database-password", 0o640)])
def test_a_value_that_others_can_read_is_refused(tmp_path: Path, shop: Fleet, name: str, mode: int) -> None:
    of_service(folder(tmp_path), "shop").write("database-password", "x")
    (tmp_path / "lab" / "services" / name).chmod(mode)
    with pytest.raises(RollcallError, match="got a mode that opens it to other users; run: chmod"):
        service_secrets.read(PrivateDirectory(tmp_path / "lab", draft=True), shop)


def test_the_deployers_environment_wins(tmp_path: Path, shop: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    of_service(folder(tmp_path), "shop").write("database-password", "kept")
    monkeypatch.setenv("ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD", "given")
    assert service_secrets.read(folder(tmp_path), shop).values == {PASSWORD: "given"}
    monkeypatch.setenv("ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD", "")
    with pytest.raises(RollcallError, match="ROLLCALL_SECRET_SHOP__DATABASE_PASSWORD: got an empty value; expected"):
        service_secrets.read(folder(tmp_path), shop)


def test_the_key_is_made_once_and_only_for_fleets_with_secrets(tmp_path: Path, shop: Fleet) -> None:
    store.read(folder(tmp_path), checked())
    assert not folder(tmp_path).has(service_secrets.KEY)
    first = store.read(folder(tmp_path), shop).services
    assert len(first.key) == 32
    assert store.read(folder(tmp_path), shop).services == first


def test_no_value_is_in_a_repr() -> None:
    assert "hunter2" not in repr(ServiceSecrets(b"hunter2", {PASSWORD: "hunter2"}))


NAMES = ("database-password", "api_key")
VALUES = st.text(min_size=1, max_size=4)


@example(["a", "bapi_keyc"], ["aapi_keyb", "c"], b"k" * 32)
@given(st.lists(VALUES, min_size=2, max_size=2), st.lists(VALUES, min_size=2, max_size=2), st.binary(min_size=32))
def test_a_digest_changes_with_each_value_and_with_the_key(one: list[str], other: list[str], key: bytes) -> None:
    def digest(values: list[str], by: bytes = key) -> str:
        found = {("shop", name): value for name, value in zip(NAMES, values, strict=True)}
        return ServiceSecrets(by, found).digest("shop", NAMES)

    assert (digest(one) == digest(other)) == (one == other)
    assert digest(one) != digest(one, key + b"x")
