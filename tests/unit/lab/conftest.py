from pathlib import Path

import pytest

from rollcall.lab import size


@pytest.fixture(autouse=True)
def kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The file with the number of hosts is the test's own, whatever this machine's lab has."""
    file = tmp_path / "number_of_hosts"
    monkeypatch.setattr(size, "_FILE", file)
    return file
