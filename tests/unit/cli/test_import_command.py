"""`rollcall import`: the setting on standard output, remarks on standard error, one sentence for a bad file."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from rollcall.cli.main import main
from rollcall.config import local_files

COMPOSE = """services:
  shop:
    image: shop:1
    networks: [inside]
"""


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(local_files, "_project", [])
    return tmp_path


def test_the_setting_is_printed_and_remarks_are_apart(folder: Path) -> None:
    (folder / "compose.yml").write_text(COMPOSE)
    done = CliRunner().invoke(main, ["import", "compose.yml"])
    assert done.exit_code == 0
    assert done.stdout == 'services = [\n    {\n        "name": "shop",\n        "image": "shop:1",\n    },\n]\n'
    assert done.stderr.startswith("compose.yml:4: services.shop.networks: not imported: ")


def test_a_file_without_a_service_that_can_be_imported_fails(folder: Path) -> None:
    (folder / "compose.yml").write_text("services:\n  consul: {image: consul:1}\n")
    done = CliRunner().invoke(main, ["import", "compose.yml"])
    assert done.exit_code == 1
    assert done.stdout == ""
    assert "compose.yml:2: services.consul: not imported: name: got 'consul'" in done.stderr
    assert "none of its services can be imported" in done.stderr


def test_a_bad_file_is_one_sentence() -> None:
    done = CliRunner().invoke(main, ["import", "missing.yml"])
    assert done.exit_code == 1
    assert "missing.yml: cannot read it (No such file or directory); expected a Compose file" in done.stderr
