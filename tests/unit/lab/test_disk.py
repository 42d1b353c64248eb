"""A machine's disk is made once for all checkouts of the same sources."""

import shutil
from pathlib import Path

import pytest

from rollcall.lab.machines import disk


@pytest.mark.parametrize("suite", disk.SUITES)
def test_a_second_checkout_has_the_same_disk(suite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    here = disk.key(suite)
    monkeypatch.setattr(disk, "_ROOT", shutil.copytree(disk._ROOT, tmp_path / "root"))
    assert disk.key(suite) == here
    (tmp_path / "root/etc/more").write_text("")
    assert disk.key(suite) != here
