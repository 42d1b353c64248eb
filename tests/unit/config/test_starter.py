"""What `rollcall init` writes is a project that deploys as it stands, and both of its inventories are right."""

import ast
from pathlib import Path

import pytest

from rollcall.components.loading import checked_fleet
from rollcall.config import project, starter
from rollcall.errors import RollcallError


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "shop-fleet"
    starter.write(folder)
    monkeypatch.chdir(folder)
    return folder


def test_its_first_inventory_is_one_host_with_every_role(shop: Path) -> None:
    chosen, fleet = checked_fleet("inventories/production.py")
    (member,) = fleet.members
    assert chosen.root == shop
    assert member.is_server and member.is_front
    assert fleet.mode == "published"
    assert member.settings.front.services == ("webserver-80",)
    assert [service.containers for service in member.settings.services] == [("webserver-1", "webserver-2")]
    assert member.settings.front.server_name == ""


def test_its_commented_next_step_is_six_hosts(shop: Path) -> None:
    file = shop / "inventories" / "production.py"
    text = file.read_text()
    head, commented = text.split("# Next step: six hosts.")
    lines = [line.removeprefix("# ").removeprefix("#") for line in commented.splitlines()[2:]]
    file.write_text(head + "\n".join(lines) + "\n")
    ast.parse(file.read_text())
    _, fleet = checked_fleet(str(file))
    assert [len(fleet.servers), len(fleet.fronts), len(fleet.members)] == [3, 1, 6]


def test_nothing_is_overwritten(shop: Path) -> None:
    (shop / "deploy.py").write_text("mine")
    for path in starter.files("x"):
        if path != "deploy.py":
            (shop / path).unlink()
    with pytest.raises(RollcallError, match=r"deploy\.py exists; expected a new folder"):
        starter.write(shop)
    assert (shop / "deploy.py").read_text() == "mine"
    assert not (shop / "README.md").exists()


def test_secrets_are_never_committed(shop: Path) -> None:
    assert ".secrets/" in (shop / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("inside", [".", "inventories", "group_data"])
def test_the_project_is_found_from_any_folder_below_it(
    shop: Path, monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    monkeypatch.chdir(shop / inside)
    chosen, _ = checked_fleet("inventories/production.py")
    assert chosen.root == shop


def test_a_named_project_wins_from_anywhere(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "_named", [])
    project.name(shop)
    chosen, _ = checked_fleet("inventories/production.py")
    assert chosen.root == shop


def test_without_a_project_the_sentence_says_how_to_make_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "CHECKOUT", tmp_path / "no-checkout")
    with pytest.raises(RollcallError, match=r"no deploy\.py in .*; `rollcall init NAME` makes a project"):
        project.root_of(None)


def test_its_own_service_is_right_once_it_is_declared(shop: Path) -> None:
    file = shop / "group_data" / "backends.py"
    text = file.read_text()
    assert "services = [_webserver]  #" in text
    file.write_text(text.replace("services = [_webserver]  #", "services = [_webserver, _shop]  #"))
    _, fleet = checked_fleet("inventories/production.py")
    (_, service) = fleet.members[0].settings.services
    assert (service.name, service.containers, service.order) == ("shop", ("shop-1", "shop-2"), "start-first")
