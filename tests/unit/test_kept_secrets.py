"""Commands that only use secrets make none."""

from pathlib import Path

import pytest

from rollcall import kept_secrets, secrets
from rollcall.errors import RollcallError
from rollcall.fleet import Fleet


@pytest.fixture(autouse=True)
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(kept_secrets, "PROJECT", tmp_path)
    return tmp_path


def test_those_of_the_deploy(project: Path, fleet: Fleet) -> None:
    made = secrets.load(secrets.folder_of(project, fleet), fleet)
    assert kept_secrets.kept("six.py", fleet, "rollcall verify") == made


def test_a_missing_folder_stays_missing(project: Path, fleet: Fleet) -> None:
    with pytest.raises(RollcallError) as refused:
        kept_secrets.kept("six.py", fleet, "rollcall verify")
    assert str(refused.value).startswith(
        f"rollcall verify needs the secrets that six.py was deployed with, and {project}/.secrets/six has none"
    )
    assert list(project.iterdir()) == []
