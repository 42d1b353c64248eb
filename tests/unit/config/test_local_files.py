"""Files that settings name stand in the project, wherever a command runs."""

from pathlib import Path

import pytest

from rollcall.config import local_files


def test_relative_to_the_project_from_any_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local_files, "_project", [])
    assert local_files.found("shop.crt") == Path.cwd() / "shop.crt"
    local_files.relative_to(tmp_path)
    assert local_files.found("certificates/shop.crt") == tmp_path / "certificates/shop.crt"
    assert local_files.found("/etc/shop.crt") == Path("/etc/shop.crt")
    assert local_files.found("~/shop.crt") == Path.home() / "shop.crt"
