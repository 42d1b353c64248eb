"""docs/registrator.md says what there is, and what it shows works."""

import re
import subprocess
from pathlib import Path

import pytest

from rollcall.components.template_files import render
from rollcall.config.project import CHECKOUT
from rollcall.registrator.flags import FLAGS
from rollcall.registrator.services import template
from rollcall.registrator.services.checks import KINDS
from rollcall.registrator.services.template.functions import FUNCTIONS

TEXT = (CHECKOUT / "docs/registrator.md").read_text()
FLAGS_SECTION = TEXT.partition("## Flags")[2].partition("\n## ")[0]
TEMPLATES = TEXT.partition("### Templates")[2].partition("\n## ")[0].replace("\\|", "|")
DOCUMENT = {"Name": "/web-1", "Config": {"Image": "shop/web:1", "Labels": {"key": "value"}, "Env": ["A=1"]}}


def test_every_flag_stands_in_the_table() -> None:
    missing = [name for name in FLAGS if f"`-{name}" not in FLAGS_SECTION and name not in ("help", "version", "dry")]
    assert not missing


def test_every_flag_in_the_table_is_one() -> None:
    named = re.findall(r"^\| `-([\w-]+)", FLAGS_SECTION, re.MULTILINE)
    assert set(named) <= set(FLAGS)
    assert len(named) > 10


def test_every_kind_of_check_is_told() -> None:
    assert [key for key, _ in KINDS if key.rpartition("_")[2].upper() not in TEXT] == []


def test_every_function_is_told() -> None:
    assert [name for name in FUNCTIONS if not re.search(rf"\b{name}\b", TEMPLATES)] == []


@pytest.mark.parametrize("example", re.findall(r"`(\{\{[^`]*\}\})`", TEMPLATES))
def test_every_example_of_a_template_can_be_filled_in(example: str) -> None:
    if "…" not in example:
        template.render(template.parse(example), DOCUMENT)


def test_the_filters_files_are_made_by_hand_as_a_deploy_makes_them(tmp_path: Path) -> None:
    (block,) = [block for block in re.findall(r"```sh\n(.*?)```", TEXT, re.DOTALL) if "sed -e" in block]
    folder = str(tmp_path / "filter")
    subprocess.run(["sh", "-euc", block.replace("/etc/socket-filter", folder)], cwd=CHECKOUT, check=True)
    values = {"socket": "/var/tmp/docker.sock", "engine": "/var/run/docker.sock", "folder": folder}
    for name in ("nginx.conf", "start.sh"):
        assert Path(folder, name).read_text().strip() == render(f"socket_filter/{name}.j2", **values).strip()
