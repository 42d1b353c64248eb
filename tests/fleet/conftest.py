"""The lab, deployed once for all tests."""

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for

from rollcall.secrets import Secrets


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    rollcall("lab", "up")
    rollcall("deploy", LAB)
    fleet = Fleet()
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    return fleet


@pytest.fixture(scope="module")
def secrets(fleet: Fleet) -> Secrets:
    return fleet.secrets()
