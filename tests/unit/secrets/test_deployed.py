"""Commands find the secrets of the fleet that the hosts belong to, and those that only use secrets make none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.errors import RollcallError
from rollcall.secrets import deployed, store
from rollcall.secrets.store import Secrets

HOST = Host("@local", "local", "127.0.0.1")
Deployed = Callable[[Secrets | str], None]


@pytest.fixture
def chosen(tmp_path: Path) -> Inventory:
    return Inventory("six.py", tmp_path, (HOST,))


@pytest.fixture(autouse=True)
def is_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Let this machine be a host of the fleet with these secrets; of none at first."""
    file = tmp_path / "host"
    monkeypatch.setattr(store, "ON_HOSTS", str(file))
    return lambda secrets: file.write_text(secrets if isinstance(secrets, str) else str(secrets.identity)) and None


def test_those_of_the_deploy(chosen: Inventory, fleet: Fleet) -> None:
    made = store.load(store.folder_of(chosen.root, fleet), fleet)
    assert deployed.kept("six.py", chosen, fleet, "rollcall verify") == made


def test_of_what_was_never_deployed_there_are_none_and_none_are_made(chosen: Inventory, fleet: Fleet) -> None:
    with pytest.raises(RollcallError) as refused:
        deployed.kept("six.py", chosen, fleet, "rollcall verify")
    assert str(refused.value) == (
        f"rollcall verify needs the secrets of a deployed fleet: {chosen.root}/.secrets/six has none, and no host of "
        "six.py is deployed; run: rollcall deploy six.py"
    )
    assert list(chosen.root.iterdir()) == []


def test_a_lost_directory_is_one_sentence_and_stays_lost(
    chosen: Inventory, fleet: Fleet, is_deployed: Deployed
) -> None:
    is_deployed('{"fleet": "f1", "rotations": 0}')
    for find in (
        lambda: deployed.kept("six.py", chosen, fleet, "rollcall verify"),
        lambda: deployed.find(store.folder_of(chosen.root, fleet), chosen.hosts),
    ):
        with pytest.raises(RollcallError) as refused:
            find()
        assert str(refused.value) == (
            f"@local was deployed with secrets that are not here (fleet f1): {chosen.root}/.secrets/six is missing; "
            "restore it from a backup or from where the fleet was deployed, or begin anew with rollcall remove"
        )
    assert [one.name for one in chosen.root.iterdir()] == ["host"]


def test_a_renamed_inventory_is_recognised_by_its_fleet(chosen: Inventory, fleet: Fleet, is_deployed: Deployed) -> None:
    before, other = (store.load(chosen.root / ".secrets" / name, fleet) for name in ("before", "another"))
    (chosen.root / ".secrets" / "broken").mkdir(mode=0o700)
    (chosen.root / ".secrets" / "broken" / "fleet.json").write_text("{")
    is_deployed(before)
    found = deployed.kept("six.py", chosen, fleet, "rollcall verify")
    assert found == before
    assert found != other
    assert not (chosen.root / ".secrets" / "six").exists()


def test_what_was_edited_on_a_host_is_nobodys(chosen: Inventory, fleet: Fleet, is_deployed: Deployed) -> None:
    is_deployed("{}")
    assert deployed.find(store.folder_of(chosen.root, fleet), chosen.hosts) is None


def test_who_only_uses_secrets_renews_none(chosen: Inventory, fleet: Fleet) -> None:
    folder = store.folder_of(chosen.root, fleet)
    store.load(folder, fleet)
    (folder / "agent-app1.crt.pem").unlink()
    folder.chmod(0o500)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert deployed.kept("six.py", chosen, fleet, "rollcall verify").agents["app1"]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before
