"""Canaries and maintenance pages: what is typed, what is then in Consul, and what is said of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from guarded_agent import Guarded
from operator_world import Operator, texts

PREFIX = "rollcall/front/"


@pytest.fixture
def operator(guarded: Guarded, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Operator:
    for number, tags in enumerate((["v1"], ["v1"], ["v2"])):
        guarded.api.agent.service.register("shop-80", service_id=f"shop-{number}", port=80 + number, tags=tags)
    return Operator(guarded, tmp_path, monkeypatch)


def keys(guarded: Guarded) -> dict[str, str]:
    found: Any = guarded.api.kv.get(PREFIX, recurse=True)[1]
    return {key.removeprefix(PREFIX): value for key, value in texts(found).items()}


def test_a_canary_is_set_shown_and_cleared(operator: Operator, guarded: Guarded) -> None:
    assert operator.types("canary").startswith("No service has a canary")
    said = operator.types("canary", "shop-80", "v2=10")
    assert said == "shop-80: v2 10 % (1 instance), the rest 90 % (2 instances)\n"
    assert {key: json.loads(value) for key, value in keys(guarded).items()} == {"canary/shop-80": {"v2": 10}}
    assert operator.types("canary") == operator.types("canary", "shop-80") == said
    assert operator.types("canary", "shop-80", "--clear") == "shop-80: no canary; 3 instances have all requests\n"
    assert keys(guarded) == {}


def test_a_canary_without_instances_changes_nothing(operator: Operator, guarded: Guarded) -> None:
    operator.types("canary", "shop-80", "v2=10")
    assert "did you mean shop-80?" in operator.types("canary", "shop-8", "v2=20", code=1)
    assert "there are v1, v2" in operator.types("canary", "shop-80", "v3=20", code=1)
    assert "together" in operator.types("canary", "shop-80", "v1=60", "v2=60", code=1)
    assert json.loads(keys(guarded)["canary/shop-80"]) == {"v2": 10}


def test_a_canary_of_a_service_that_is_gone_can_still_be_cleared(operator: Operator, guarded: Guarded) -> None:
    guarded.api.kv.put(f"{PREFIX}canary/gone-80", '{"v2": 10}')
    operator.types("canary", "gone-80", "--clear")
    assert keys(guarded) == {}


def test_a_maintenance_page_is_set_listed_and_removed(operator: Operator, guarded: Guarded) -> None:
    sentence = 'Wir sind um "zwölf" zurück'
    operator.types("maintenance", "shop.example.com/api", "on", "--text", sentence)
    operator.types("maintenance", "/", "on")
    assert keys(guarded) == {"maintenance/shop.example.com/api": sentence, "maintenance/_": ""}
    listed = operator.types("maintenance")
    assert listed.splitlines() == [
        "/: maintenance page, general",
        'shop.example.com/api: maintenance page, "Wir sind um \\"zwölf\\" zurück"',
    ]
    assert operator.types("maintenance", "shop.example.com/api", "off") == "shop.example.com/api: no maintenance page\n"
    assert keys(guarded) == {"maintenance/_": ""}
    operator.types("maintenance", "/", "off")
    assert operator.types("maintenance") == "No route shows a maintenance page.\n"


def test_a_page_set_with_another_spelling_is_removed_too(operator: Operator, guarded: Guarded) -> None:
    for key in ("Shop.example.com", "shop.example.com/"):
        guarded.api.kv.put(f"{PREFIX}maintenance/{key}", "")
    operator.types("maintenance", "shop.example.com", "off")
    assert keys(guarded) == {}
