"""Commands of callbacks have the same rights as operations."""

import base64
from typing import Any
from unittest.mock import MagicMock

import pytest
from pyinfra.api import Config, State
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.connectors.util import CommandOutput, OutputLine

from rollcall.deploy import callbacks

SECRET = "open sesame"


def host(data: dict[str, Any], *, sudo: bool = False) -> Host:
    """A pyinfra host that discards its commands."""
    inventory = Inventory(([("web1", data)], {}))
    state = State(inventory, Config(SUDO=sudo))
    one: Host = inventory.get_host("web1")
    one.init(state)
    one.connector.run_shell_command = MagicMock(return_value=(True, CommandOutput([OutputLine("stdout", "done")])))
    return one


@pytest.mark.parametrize(
    ("data", "config", "expected"), [({}, False, False), ({"_sudo": True}, False, True), ({}, True, True)]
)
def test_a_command_has_sudo_where_operations_have(data: dict[str, Any], config: bool, expected: bool) -> None:
    one = host(data, sudo=config)
    done, output = callbacks.run(one, "docker ps")
    assert (done, output.stdout) == (True, "done")
    [command], given = one.connector.run_shell_command.call_args
    assert str(command) == "docker ps"
    assert given["_sudo"] is expected
    assert "_stdin" not in given


def test_files_go_in_by_standard_input_and_are_shown_nowhere() -> None:
    one = host({"_sudo": True})
    files = callbacks.Files(SECRET.encode(), ("/etc/rollcall/mark",))
    assert callbacks.put_files(MagicMock(), one, files)
    [command], given = one.connector.run_shell_command.call_args
    assert base64.b64decode(given["_stdin"]).decode() == SECRET
    assert given["_sudo"] is True
    assert base64.b64encode(SECRET.encode()).decode() not in str(command)
    assert SECRET not in repr(files)
