"""A client's node id outlives the data of its agent; a server gets a new one."""

import json
import subprocess
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from six_hosts import checked

from rollcall.components import node_id
from rollcall.config.fleet import Fleet
from rollcall.converge.resources import File

Desired = Callable[[Fleet, str], dict[str, Any]]
KNOWN = "06c516d1-fcdd-511a-8b1e-000000000001"


def deployed(fleet: Fleet, desired: Desired, name: str) -> str:
    (found,) = [
        one.text for one in desired(fleet, name)["Consul"] if isinstance(one, File) and one.path == node_id.PATH
    ]
    return str(json.loads(found)["node_id"])


def test_every_client_of_a_new_fleet_gets_its_own(fleet: Fleet, desired: Desired) -> None:
    found = {name: deployed(fleet, desired, name) for name in ("app1", "app2", "front1")}
    assert len(set(found.values())) == 3
    assert {uuid.UUID(one).version for one in found.values()} == {5}
    assert found == {name: deployed(fleet, desired, name) for name in found}


def test_another_fleet_has_others() -> None:
    member = checked().member("app1")
    assert node_id.file(member, "", "one", "0:0") != node_id.file(member, "", "other", "0:0")


def test_a_server_has_none(fleet: Fleet, desired: Desired) -> None:
    assert not [one for one in desired(fleet, "consul1")["Consul"] if getattr(one, "path", "") == node_id.PATH]


def test_a_host_keeps_the_one_that_it_has() -> None:
    member = checked().member("app1")
    assert json.loads(node_id.file(member, KNOWN, "one", "0:0").text) == {"node_id": KNOWN}


@given(st.uuids().map(str))
def test_what_was_deployed_is_read_again(identity: str) -> None:
    text = node_id.file(checked().member("app1"), identity, "one", "0:0").text
    assert node_id.read(text) == node_id.read(f"\n{identity}\n") == identity


@pytest.mark.parametrize("output", ["", "\n", "{", "{}", '{"node_id": 1}', "no such file", "[]"])
def test_anything_else_is_no_id(output: str) -> None:
    assert node_id.read(output) == ""


def test_the_deployed_one_comes_before_that_of_the_data(tmp_path: Path) -> None:
    data, own = tmp_path / "node-id", tmp_path / "12-node.json"

    def probed() -> str:
        script = node_id.PROBE.replace(node_id.PATH, str(own))
        stub = f"docker() {{ echo {tmp_path}; }}\n"
        return node_id.read(subprocess.check_output(["dash", "-c", stub + script], text=True))

    data.write_text(KNOWN)
    assert probed() == KNOWN
    own.write_text(json.dumps({"node_id": KNOWN.replace("06", "07")}))
    assert probed() == KNOWN.replace("06", "07")
