"""Data that is no setting: pyinfra's own keys, and the user's under a prefix that the error sentence names."""

import json
import subprocess
import sys

import pytest

from rollcall.config import pyinfra_data, validation
from rollcall.config.fleet import RawHost, nowhere
from rollcall.errors import RollcallError

READ = """
import json
from pyinfra.api.arguments import all_argument_meta
from pyinfra.connectors.ssh import connector_data_meta
print(json.dumps([sorted(key for key in all_argument_meta if key.startswith("_")), sorted(connector_data_meta)]))
"""


def check(**data: object) -> None:
    host = RawHost("a", frozenset({"consul_servers"}), {"address": "10.0.0.1", **data})
    validation.check("test", [host], "laptop", nowhere)


def test_the_names_are_those_of_pyinfra() -> None:
    done = subprocess.run([sys.executable, "-c", READ], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == [sorted(pyinfra_data.GLOBAL_ARGUMENTS), sorted(pyinfra_data.SSH)]


@pytest.mark.parametrize("key", ["x_role", "x_tags", "_helper", "ssh_connect_retries", "_retries"])
def test_data_that_is_not_ours_is_left_alone(key: str) -> None:
    check(**{key: 5})


@pytest.mark.parametrize(
    ("key", "sentence"),
    [
        ("role", "role: unknown setting; data of your own needs a name with x_ before it: x_role"),
        ("ssh_prot", "ssh_prot: unknown setting; did you mean ssh_port?"),
        ("_sudoo", "_sudoo: unknown setting; did you mean _sudo?"),
        ("frnt", "frnt: unknown setting; did you mean front?"),
        ("remove_roles", "remove_roles: unknown setting"),
    ],
)
def test_a_name_that_nobody_knows(key: str, sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        check(**{key: "db"})
    assert str(refusal.value).startswith(sentence)
