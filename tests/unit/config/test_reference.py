"""The reference of all settings is whole, and docs/settings.md is current."""

import pytest

from rollcall.config import reference
from rollcall.config.project import CHECKOUT
from rollcall.config.settings import Settings
from rollcall.errors import RollcallError

ALL = [one for group in reference.groups() for one in group.settings]


def test_the_docs_are_current() -> None:
    written = (CHECKOUT / "docs" / "settings.md").read_text(encoding="utf-8")
    assert written.rstrip("\n") == reference.markdown().rstrip("\n"), "docs/settings.md is not current: run `make docs`"


@pytest.mark.parametrize("setting", ALL, ids=lambda one: one.key)
def test_every_setting_says_what_it_does_and_expects(setting: reference.Setting) -> None:
    assert setting.meaning[:1].isupper()
    assert setting.expected != "another value"
    assert setting.type
    assert "|" not in setting.meaning + setting.expected, "it would end the table's cell"
    named = "timeout" in setting.key and not setting.key.endswith("_factor")
    times = (named or setting.meaning.startswith(("How long", "Longest pause"))) and (setting.type == "integer")
    assert setting.unit == "seconds" or not times


def test_every_field_of_the_models_is_listed() -> None:
    listed = reference.names()
    assert {name.split(".")[0].removesuffix("[]") for name in listed} == set(Settings.model_fields)
    assert {"front.weight", "front.routes[].host", "consul.extra", "template_sync.templates[].check"} <= set(listed)
    assert len(set(listed)) == len(listed)


def test_one_setting_and_a_section() -> None:
    assert [one.key for group in reference.find("front.weight") for one in group.settings] == ["front.weight"]
    section = [one.key for group in reference.find("front") for one in group.settings]
    assert "front.weight" in section
    assert "front.routes[].host" in section
    assert "Type: integer. Expected: an integer from 1 to 3600, in seconds." in reference.text(
        reference.find("front.fail_timeout")
    )
    assert [one.key for one in reference.find("services.count")[0].settings] == ["services[].count"]


def test_an_unknown_setting_has_a_near_one() -> None:
    with pytest.raises(RollcallError, match=r"front\.wieght: unknown setting; did you mean front\.weight\?"):
        reference.find("front.wieght")


def test_a_setting_of_before_names_the_new_one() -> None:
    with pytest.raises(RollcallError, match=r"did you mean template_sync\.keys\?"):
        reference.find("template_keys")
