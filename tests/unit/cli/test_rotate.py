"""What the rotation of the key of certificates by ACME waits for."""

import base64
import time
from collections.abc import Iterator

import pytest
from six_hosts import checked

from rollcall.cli import rotate
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


def test_a_fleet_without_certificates_by_acme_has_no_such_key() -> None:
    with pytest.raises(RollcallError, match=r"no front of lab\.py has front\.acme"):
        rotate._check_acme(checked(), "lab.py")
    rotate._check_acme(checked(front={"acme": {"email": "ops@example.com", "names": ["*.example.com"]}}), "lab.py")
