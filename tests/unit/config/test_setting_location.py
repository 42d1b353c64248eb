"""The line in which a setting was written, in the ways that people write them."""

from pathlib import Path

import pytest

from rollcall.config.layers import OVERRIDE, Layer
from rollcall.config.setting_location import place

GROUP_DATA = """
port = 80
common = {
    "a": 1,
}
front = {
    "services": [
        "a",
        "b",
    ],
    **common,
    "http_port": port,
}
dns = dict(
    enabled=True,
)
address: str = "x"
consul = common | {
    "b": 2,
}
"""
INVENTORY = """
_common = {
    "front": {"weight": 1},
}
_here = ("app1", {
    "dns": {"enabled": False},
    **_common,
})
backends = [_here]
fronts = (["app1"], {
    "front": {"weight": 2},
})
"""


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("front",), 6),
        (("front", "services"), 7),
        (("front", "services", 1), 9),
        (("front", "a"), 4),
        (("front", "http_port"), 12),
        (("front", "not_there"), 6),
        (("dns", "enabled"), 15),
        (("address",), 17),
        (("consul", "a"), 4),
        (("consul", "b"), 19),
    ],
)
def test_in_group_data(tmp_path: Path, path: tuple[str, ...], line: int) -> None:
    file = tmp_path / "all.py"
    file.write_text(GROUP_DATA)
    assert place(Layer(str(file), "all", {}), "app1", path).line == line


@pytest.mark.parametrize(
    ("group", "path", "line"),
    [
        ("", ("dns", "enabled"), 6),
        ("", ("front", "weight"), 3),
        ("fronts", ("front", "weight"), 11),
    ],
)
def test_in_the_inventory(tmp_path: Path, group: str, path: tuple[str, ...], line: int) -> None:
    file = tmp_path / "production.py"
    file.write_text(INVENTORY)
    assert place(Layer(str(file), group, {}), "app1", path).line == line


def test_a_file_that_makes_its_hosts_in_a_loop_writes_the_key_once(tmp_path: Path) -> None:
    file = tmp_path / "lab.py"
    file.write_text('hosts = [\n    (name, {"ssh_port": 22,\n      "address": "x"})\n    for name in "ab"\n]\n')
    assert place(Layer(str(file), "", {}), "a", ("address",)).line == 3


def test_a_value_that_is_computed_has_its_file(tmp_path: Path) -> None:
    file = tmp_path / "all.py"
    file.write_text("from x import *\n")
    assert str(place(Layer(str(file), "all", {}), "a", ("front",))) == str(file)


def test_an_override_has_its_option() -> None:
    assert str(place(Layer(OVERRIDE, "", {}), "a", ("front", "weight"))) == "--data front"


@pytest.mark.parametrize(("key", "line"), [("a", 2), ("b", 8), ("c", 5)])
def test_a_setting_that_is_made_of_itself(tmp_path: Path, key: str, line: int) -> None:
    text = 'front = {\n    "a": 1,\n    "b": 2,\n}\nfront = {\n    **front,\n    # again\n    "b": 3,\n}\n'
    (tmp_path / "all.py").write_text(text)
    layer = Layer(str(tmp_path / "all.py"), "all", {})
    found = place(layer, "app1", ("front", key))
    assert found is not None
    assert found.line == line
