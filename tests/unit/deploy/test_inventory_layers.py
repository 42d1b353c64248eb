"""The layers of a host's data in files: a command and a deploy inside pyinfra read the same."""

import json
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from rollcall.config import inventory
from rollcall.config.layers import merged

PROJECT = Path(__file__).parents[3]
# Prints what a deploy sees of its hosts, merged as steps.py does.
DEPLOY = """
import json
from rollcall.config.inventory import raw_host
from rollcall.deploy import inventory_layers
from pyinfra import host
if host.name == "@local":
    hosts = [raw_host(one) for one in inventory_layers.of_this_run()]
    print("HOSTS", json.dumps([[one.name, sorted(one.groups), one.data] for one in hosts]), flush=True)
"""
FILES = {
    "inventories/six.py": """
        from pathlib import Path
        _here = ("@local", {"front": {"weight": 5}, "dns": {"enabled": False}, "x_mine": object()})
        consul_servers = [_here, ("app1", {"front": {"weight": 2, "http_port": 81}, "address": "10.0.0.2"})]
        backends = ([("app1", {"front": {"weight": 3}, "consul": {"memory": 300}})], {"front": {"keep_lost": 7}})
    """,
    "group_data/all.py": """
        from pathlib import Path
        front = {"server_name": "project", "services": ["a"], "certificate": Path("x.crt")}
        consul = {"extra": {"limits": {"a": 1}}}
    """,
    "group_data/backends.py": 'front = {"services": ("b", "c"), "keep_lost": 8}',
    "group_data/six.py": 'front = {"stop_timeout": 9}',
    "inventories/group_data/all.py": 'front = {"server_name": "beside"}\nconsul = {"extra": {"limits": {"b": 2}}}',
    "deploy.py": DEPLOY,
}


def write(folder: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(textwrap.dedent(text))


def deployed(folder: Path, *options: str) -> Any:
    """What a deploy sees of the hosts, in pyinfra's own command."""
    command = ["pyinfra", "inventories/six.py", "deploy.py", "--dry", "--limit", "@local", *options]
    done = subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)
    assert "HOSTS " in done.stdout, done.stderr
    return json.loads(next(line[6:] for line in done.stdout.splitlines() if line.startswith("HOSTS ")))


def test_a_command_and_a_deploy_see_the_same_data(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    read = inventory.read(str(tmp_path / "inventories" / "six.py"))
    by_command = [[host.name, sorted(host.raw.groups), host.raw.data] for host in read.hosts]
    assert deployed(tmp_path) == by_command
    of_app = next(data for name, _, data in by_command if name == "app1")
    assert of_app["front"] == {
        "server_name": "beside",
        "services": ["b", "c"],
        "certificate": "x.crt",
        "stop_timeout": 9,
        "keep_lost": 8,
        "http_port": 81,
        "weight": 3,
    }
    assert of_app["consul"] == {"extra": {"limits": {"a": 1, "b": 2}}, "memory": 300}


def test_data_of_the_command_line_is_strongest(tmp_path: Path) -> None:
    write(tmp_path, FILES)
    found = deployed(tmp_path, "--data", 'front={"weight": 9}')
    assert {data["front"]["weight"] for _, _, data in found} == {9}


# Makes the inventory of each folder as pyinfra does, and prints both pyinfra's own data and our layers.
READ = """
import json, sys
from pathlib import Path
import pyinfra_cli
from pyinfra_cli.inventory import make_inventory
from pyinfra.api.state import State
from pyinfra.context import ctx_state
from rollcall.deploy import inventory_layers
ctx_state.set(State())
for folder in sys.argv[1:]:
    source = f"{folder}/inventories/six.py"
    made = make_inventory(source, override_data={}, cwd=folder)
    folders = [f"{folder}/group_data", f"{folder}/inventories/group_data"]
    found = inventory_layers.hosts(made, source, folders)
    print(json.dumps([[one, made.get_host(one["name"]).data.dict()] for one in found]))
"""
KEYS = st.sampled_from(["front", "consul", "address"])
TREES = st.dictionaries(
    KEYS,
    st.recursive(st.integers(0, 9), lambda inner: st.dictionaries(KEYS, inner, max_size=3), max_leaves=5),
    max_size=3,
)
PLACES = ["all", "six", "consul_servers", "backends", "web"]


@st.composite
def projects(draw: st.DrawFn) -> dict[str, str]:
    """An inventory and group data in both folders, with hosts in several groups that have their own data."""
    groups = {}
    for group in draw(st.permutations(["consul_servers", "backends", "web"])):
        members = [(name, draw(TREES)) if draw(st.booleans()) else name for name in ("a", "b")]
        groups[group] = (members, draw(TREES)) if draw(st.booleans()) else members
    files = {"inventories/six.py": "\n".join(f"{name} = {value!r}" for name, value in groups.items())}
    for folder in ("group_data", "inventories/group_data"):
        for group in draw(st.sets(st.sampled_from(PLACES))):
            files[f"{folder}/{group}.py"] = "\n".join(f"{key} = {value!r}" for key, value in draw(TREES).items())
    return files


@given(st.lists(projects(), min_size=20, max_size=20))
@settings(max_examples=2, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
def test_generated_projects(tmp_path_factory: Any, found: list[dict[str, str]]) -> None:
    folders = [tmp_path_factory.mktemp("project") for _ in found]
    for folder, files in zip(folders, found, strict=True):
        write(folder, files)
    done = subprocess.run([sys.executable, "-c", READ, *map(str, folders)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    for files, line in zip(found, done.stdout.splitlines(), strict=True):
        for one, flat in json.loads(line):
            ours = inventory.raw_host(one)
            assert ours.data == _expected(files, one["name"], one["groups"])
            # A value that is not a section equals pyinfra's own; and no key is added or lost.
            assert ours.data.keys() == flat.keys()
            assert all(ours.data[key] == value for key, value in flat.items() if not isinstance(value, dict))


def _expected(files: dict[str, str], host: str, groups: list[str]) -> dict[str, Any]:
    """An independent oracle: pyinfra's order of locations, spelled out."""
    inventory_values = _values(files["inventories/six.py"])
    result: dict[str, Any] = {}
    for group in ("all", *groups):
        inline = inventory_values.get(group)
        if isinstance(inline, tuple):
            _put(result, inline[1])
        for folder in ("group_data", "inventories/group_data"):
            _put(result, _values(files.get(f"{folder}/{group}.py", "")))
    for value in inventory_values.values():
        for member in value[0] if isinstance(value, tuple) else value:
            if member[0] == host and isinstance(member, tuple):
                _put(result, member[1])
    return result


def _values(text: str) -> dict[str, Any]:
    values: dict[str, Any] = {}
    exec(text, {}, values)
    return values


def _put(result: dict[str, Any], data: dict[str, Any]) -> None:
    for key, value in data.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            _put(result[key], value)
        else:
            result[key] = json.loads(json.dumps(value))


def test_merged_of_nothing_is_nothing() -> None:
    assert merged([]) == {}
