"""A project's templates replace ours file by file, and a faulty one is a sentence with its location."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from rollcall.components import template_files
from rollcall.errors import RollcallError

CONF = "dns/dnsmasq.conf.j2"
VALUES = {"dns": {"interface": "docker0", "domain": "consul", "servers": []}}


@pytest.fixture(autouse=True)
def own(tmp_path: Path) -> Iterator[Path]:
    (tmp_path / "templates" / "dns").mkdir(parents=True)
    yield tmp_path / "templates"
    template_files.search(template_files.SHIPPED.parent)


def test_a_file_of_the_same_path_wins_and_the_others_stay(own: Path) -> None:
    before = template_files.source("front/catalog.ctmpl")
    (own / CONF).write_text("domain={{ dns.domain }}\n")
    template_files.search(own.parent)
    assert template_files.render(CONF, **VALUES) == "domain=consul\n"
    assert template_files.source(CONF) == "domain={{ dns.domain }}\n"
    assert template_files.source("front/catalog.ctmpl") == before


def test_a_project_without_templates_uses_rollcalls(own: Path) -> None:
    (own / CONF).write_text("mine")
    template_files.search(own.parent)
    template_files.search(own.parent / "elsewhere")
    assert template_files.render(CONF, **VALUES) != "mine"


def test_a_file_that_replaces_nothing_is_rejected(own: Path) -> None:
    (own / "dns" / "dnsmask.conf.j2").touch()
    with pytest.raises(
        RollcallError, match=r"dnsmask\.conf\.j2: replaces none .* did you mean dns/dnsmasq\.conf\.j2\?"
    ):
        template_files.search(own.parent)


def test_a_folder_of_a_users_component_is_accepted(own: Path) -> None:
    (own / "exporter").mkdir()
    (own / "exporter" / "config.j2").write_text("{{ x }}")
    template_files.search(own.parent)
    assert template_files.render("exporter/config.j2", x="y") == "y"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("one\n{{ dns.domain", r"dnsmasq\.conf\.j2:2: unexpected end of template"),
        ("one\ntwo\n{{ dns.domian }}", r"dnsmasq\.conf\.j2:3: .*domian"),
    ],
)
def test_a_fault_is_a_sentence_with_file_and_line(own: Path, text: str, sentence: str) -> None:
    (own / CONF).write_text(text)
    template_files.search(own.parent)
    with pytest.raises(RollcallError, match=sentence):
        template_files.render(CONF, **VALUES)
