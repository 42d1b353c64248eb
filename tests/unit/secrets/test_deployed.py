"""Commands that only use secrets make none."""

from pathlib import Path

import pytest

from rollcall.config.fleet import Fleet
from rollcall.errors import RollcallError
from rollcall.secrets import deployed, store


def test_those_of_the_deploy(tmp_path: Path, fleet: Fleet) -> None:
    made = store.load(store.folder_of(tmp_path, fleet), fleet)
    assert deployed.kept("six.py", tmp_path, fleet, "rollcall verify") == made


def test_a_missing_folder_stays_missing(tmp_path: Path, fleet: Fleet) -> None:
    with pytest.raises(RollcallError) as refused:
        deployed.kept("six.py", tmp_path, fleet, "rollcall verify")
    assert str(refused.value).startswith(
        f"rollcall verify needs the secrets that six.py was deployed with, and {tmp_path}/.secrets/six has none"
    )
    assert list(tmp_path.iterdir()) == []
