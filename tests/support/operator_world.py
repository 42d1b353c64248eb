"""The operator's commands, typed against a Consul of the tests' own on this machine."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from guarded_agent import Guarded
from own_components import check

from rollcall.cli import canary, maintenance
from rollcall.cli.host import drain
from rollcall.cli.main import main
from rollcall.components.template_files import render
from rollcall.config.fleet import RawHost, nowhere
from rollcall.config.inventory import Host, Inventory
from rollcall.contract import local_agent
from rollcall.secrets import store
from rollcall.secrets.private_directory import PrivateDirectory

HOST = Host("app1", "local", "127.0.0.1", groups=("consul_servers", "backends"))
OPERATOR = render("consul/policies/operator.hcl.j2")


class Operator:
    """Types commands; the inventory is this machine, called app1, and its agent the test's."""

    def __init__(self, guarded: Guarded, folder: Path, patch: pytest.MonkeyPatch) -> None:
        raw = RawHost("app1", frozenset(HOST.groups), {"address": "127.0.0.1"})
        checked = check("here", [raw], "app1", nowhere)
        # The test's agent calls its node so.
        fleet = replace(checked, members=(replace(checked.members[0], node="test"),))
        kept = store.read(PrivateDirectory(folder / "secrets"), fleet)
        guarded.allow(OPERATOR, kept.tokens.secret("operator"))
        patch.setattr(local_agent, "URL", f"http://127.0.0.1:{guarded.port}")
        inventory = Inventory("here.py", folder, (HOST,))
        for module in (drain, canary, maintenance):
            patch.setattr(module, "checked_fleet", lambda _source: (inventory, fleet))
            patch.setattr(module, "read_secrets", lambda *_: kept)
        for module in (canary, maintenance):
            patch.setattr(module, "pick_agent", lambda *_: HOST)

    def types(self, command: str, *arguments: str, code: int = 0) -> str:
        """Run a command as a person does, and give what it printed."""
        result = CliRunner().invoke(main, [command, "here.py", *arguments])
        assert result.exit_code == code, (result.output, result.exception)
        return result.output


def texts(entries: Sequence[dict[str, Any]] | None) -> dict[str, str]:
    """Give keys and values as py-consul reads them."""
    return {entry["Key"]: (entry["Value"] or b"").decode() for entry in entries or ()}
