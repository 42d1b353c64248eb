"""Commands find the secrets of the hosts' fleet; commands that only use secrets create none."""

from collections.abc import Callable
from pathlib import Path

import pytest

from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.errors import RollcallError
from rollcall.secrets import certificates, deployed, store
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import Secrets

HOST = Host("@local", "local", "127.0.0.1")
Deployed = Callable[[Secrets | str], None]


@pytest.fixture
def chosen(tmp_path: Path) -> Inventory:
    return Inventory(str(tmp_path / "six.py"), tmp_path, (HOST,))


@pytest.fixture(autouse=True)
def is_deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Deployed:
    """Make this machine a host of the fleet with these secrets; at first of none."""
    file = tmp_path / "host"
    monkeypatch.setattr(deployed, "ON_HOSTS", str(file))
    return lambda secrets: file.write_text(secrets if isinstance(secrets, str) else str(secrets.identity)) and None


def test_those_of_the_deploy(chosen: Inventory, fleet: Fleet) -> None:
    made = store.read(PrivateDirectory(deployed.folder_of(chosen.root, chosen.source)), fleet)
    assert deployed.read_secrets("six.py", chosen, fleet, "rollcall verify") == made


def test_a_fleet_that_was_never_deployed_has_no_secrets_and_gets_none(chosen: Inventory, fleet: Fleet) -> None:
    with pytest.raises(RollcallError) as refused:
        deployed.read_secrets("six.py", chosen, fleet, "rollcall verify")
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
        lambda: deployed.read_secrets("six.py", chosen, fleet, "rollcall verify"),
        lambda: deployed.find(deployed.folder_of(chosen.root, chosen.source), chosen.hosts),
    ):
        with pytest.raises(RollcallError) as refused:
            find()
        assert str(refused.value) == (
            f"@local was deployed with secrets that are not here (fleet f1): {chosen.root}/.secrets/six is missing; "
            "restore it from a backup or from where the fleet was deployed, or start over with rollcall remove"
        )
    assert [one.name for one in chosen.root.iterdir()] == ["host"]


def test_a_renamed_inventory_is_recognised_by_its_fleet(chosen: Inventory, fleet: Fleet, is_deployed: Deployed) -> None:
    before, other = (
        store.read(PrivateDirectory(chosen.root / ".secrets" / name), fleet) for name in ("before", "another")
    )
    (chosen.root / ".secrets" / "broken").mkdir(mode=0o700)
    (chosen.root / ".secrets" / "broken" / "fleet.json").write_text("{")
    is_deployed(before)
    found = deployed.read_secrets("six.py", chosen, fleet, "rollcall verify")
    assert found == before
    assert found != other
    assert not (chosen.root / ".secrets" / "six").exists()


def test_what_was_edited_on_a_host_is_nobodys(chosen: Inventory, fleet: Fleet, is_deployed: Deployed) -> None:
    is_deployed("{}")
    assert deployed.find(deployed.folder_of(chosen.root, chosen.source), chosen.hosts) is None


def test_a_command_that_only_uses_secrets_renews_none(chosen: Inventory, fleet: Fleet) -> None:
    folder = deployed.folder_of(chosen.root, chosen.source)
    store.read(PrivateDirectory(folder), fleet)
    (folder / "agent-app1.crt.pem").unlink()
    folder.chmod(0o500)
    before = {file.name: file.read_bytes() for file in folder.iterdir()}
    assert deployed.read_secrets("six.py", chosen, fleet, "rollcall verify").agents["app1"]
    assert {file.name: file.read_bytes() for file in folder.iterdir()} == before


def test_a_certificate_that_a_deploy_renews_early_is_still_right_to_a_command_that_looks(
    chosen: Inventory, fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = PrivateDirectory(deployed.folder_of(chosen.root, chosen.source))
    monkeypatch.setattr(certificates, "DAYS", 100)
    made = store.read(folder, fleet)
    monkeypatch.undo()
    assert deployed.read_secrets("six.py", chosen, fleet, "rollcall verify").agents == made.agents
    renewed = store.read(folder, fleet)
    assert not set(renewed.agents.values()) & set(made.agents.values())


def test_inventories_of_one_file_name_have_secrets_of_their_own(tmp_path: Path) -> None:
    for inventory in ("inventories/production.py", "inventories/eu/production.py", "production.py", "eu/production.py"):
        (tmp_path / inventory).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / inventory).write_text("")
    folders = {
        inventory: str(deployed.folder_of(tmp_path, tmp_path / inventory).relative_to(tmp_path / ".secrets"))
        for inventory in (
            "inventories/production.py",
            "inventories/eu/production.py",
            "production.py",
            "eu/production.py",
        )
    }
    assert folders == {
        "inventories/production.py": "production",
        "inventories/eu/production.py": "eu.production",
        "production.py": "project.production",
        "eu/production.py": "project.eu.production",
    }


def test_the_usual_places_have_the_plain_name(tmp_path: Path) -> None:
    for inventory in (tmp_path / "shop.py", tmp_path / "inventories/shop.py", tmp_path.parent / "elsewhere/shop.py"):
        assert deployed.folder_of(tmp_path, inventory) == tmp_path / ".secrets" / "shop"


def test_a_directory_with_an_older_versions_name_is_used(
    chosen: Inventory, fleet: Fleet, is_deployed: Deployed
) -> None:
    before = store.read(PrivateDirectory(chosen.root / ".secrets" / "six"), fleet)
    nested = Inventory(str(chosen.root / "inventories/eu/six.py"), chosen.root, chosen.hosts)
    with pytest.raises(RollcallError, match=r"\.secrets/eu\.six has none, and no host of six\.py is deployed"):
        deployed.read_secrets("six.py", nested, fleet, "rollcall verify")
    is_deployed(before)
    assert deployed.read_secrets("six.py", nested, fleet, "rollcall verify") == before
