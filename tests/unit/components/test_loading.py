"""A fleet can be taken down although its services are faulty: what runs of them is found on the hosts."""

import shutil
from pathlib import Path

import pytest

from rollcall.components.loading import checked_for_removal, removable_fleet
from rollcall.config import inventory
from rollcall.config.project import CHECKOUT
from rollcall.errors import RollcallError

RIGHT = 'services = [{"name": "shop", "image": "shop:1"}]\n'


@pytest.fixture
def project(tmp_path: Path) -> Path:
    shutil.copy(CHECKOUT / "deploy.py", tmp_path)
    (tmp_path / "one.py").write_text('consul_servers = ["@local"]\n')
    (tmp_path / "group_data").mkdir()
    return tmp_path


def read(project: Path, group_data: str) -> tuple[list[str], str]:
    (project / "group_data" / "all.py").write_text(group_data)
    file = str(project / "one.py")
    found, problem = checked_for_removal(file, inventory.ask_pyinfra)
    removable = removable_fleet(found.root, Path(file), [host.raw for host in found.hosts])
    assert removable.problem == problem
    return [service.name for member in removable.fleet.members for service in member.settings.services], problem


def test_a_right_fleet_keeps_its_services(project: Path) -> None:
    assert read(project, RIGHT) == (["shop"], "")


@pytest.mark.parametrize(
    ("services", "fault"),
    [
        ("services = 5", "services"),
        ('services = [{"name": "shop", "imagge": "shop:1"}]', "imagge"),
        ('services = [{"name": "shop", "image": "shop:1"}] * 2', "shop"),
        (
            'services = [{"name": "shop", "image": "shop:1", "files": [{"source": "none", "target": "/x"}]}]',
            "files",
        ),
    ],
)
def test_faulty_services_are_left_out_and_named(project: Path, services: str, fault: str) -> None:
    names, problem = read(project, services)
    assert names == []
    assert fault in problem
    assert "\n" not in problem


def test_another_fault_stays_one(project: Path) -> None:
    with pytest.raises(RollcallError, match=r"front\.http_port"):
        read(project, 'front = {"http_port": "x"}\n')
    with pytest.raises(RollcallError, match="imagge"):
        read(project, 'front = {"http_port": "x"}\nservices = [{"name": "shop", "imagge": "shop:1"}]\n')
