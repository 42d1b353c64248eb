"""Commands that only use secrets make none."""

from pathlib import Path

import pytest

from rollcall.config.fleet import Fleet
from rollcall.errors import RollcallError
from rollcall.secrets import deployed, store


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(deployed, "PROJECT", tmp_path)
    return tmp_path


def test_those_of_the_deploy(project: Path, fleet: Fleet) -> None:
    made = store.load(store.folder_of(project, fleet), fleet)
    assert deployed.kept("six.py", fleet, "rollcall verify") == made


def test_a_missing_folder_stays_missing(project: Path, fleet: Fleet) -> None:
    with pytest.raises(RollcallError) as refused:
        deployed.kept("six.py", fleet, "rollcall verify")
    assert str(refused.value).startswith(
        f"rollcall verify needs the secrets that six.py was deployed with, and {project}/.secrets/six has none"
    )
    assert list(project.iterdir()) == []
