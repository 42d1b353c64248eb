"""What the rotation of the key of certificates by ACME waits for."""

import base64
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from rollcall.cli import rotate
from rollcall.config.project import CHECKOUT
from rollcall.contract import acme_keys
from rollcall.errors import RollcallError

NEW = "NEW-KEY"


class Agent:
    """An agent whose key has these values, one after the other."""

    def __init__(self, *values: str) -> None:
        self._values: Iterator[str] = iter(values)
        self.last = ""

    def read(self, path: str) -> object:
        assert path == f"/v1/kv/{acme_keys.SEALED_BY}"
        self.last = next(self._values, self.last)
        return [{"Value": base64.b64encode(self.last.encode()).decode()}] if self.last else None


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let time pass only in sleep."""
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    monkeypatch.setattr(time, "sleep", lambda seconds: now.__setitem__(0, now[0] + seconds))


def test_it_waits_until_the_newest_key_encrypted_everything() -> None:
    agent = Agent("", acme_keys.fingerprint("OLD-KEY"), acme_keys.fingerprint(NEW))
    rotate._wait_until_sealed(agent, NEW)  # type: ignore[arg-type]
    assert agent.last == acme_keys.fingerprint(NEW)


def test_the_old_key_stays_if_no_front_encrypts() -> None:
    with pytest.raises(RollcallError, match=r"the fronts have not encrypted .* run the same command again"):
        rotate._wait_until_sealed(Agent(acme_keys.fingerprint("OLD-KEY")), NEW)  # type: ignore[arg-type]


def test_a_fleet_without_certificates_by_acme_has_no_such_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(CHECKOUT / "deploy.py", tmp_path)
    (tmp_path / "group_data").mkdir()
    (tmp_path / "group_data" / "fronts.py").write_text('# Ours.\nfront = {"server_name": "shop.example.com"}\n')
    # Nothing listens there: a command that asks a host first would say so.
    host = '("one", {"ssh_hostname": "127.0.0.1", "ssh_port": 1})'
    (tmp_path / "one.py").write_text(f"consul_servers = [{host}]\nfronts = [{host}]\n")
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(rotate.rotate, ("one.py", "acme"))
    assert str(result.exception) == (
        "group_data/fronts.py:2: front.acme: not set on any front, so there is no such key; "
        'expected {"email": "ops@example.com", "names": ["shop.example.com"]} (docs/https.md)'
    )
    (tmp_path / "one.py").write_text(f"consul_servers = [{host}]\n")
    result = CliRunner().invoke(rotate.rotate, ("one.py", "acme"))
    assert str(result.exception) == "acme: one.py has no host in fronts, so no certificates by ACME, and no such key"
