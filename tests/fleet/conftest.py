"""The lab, deployed once for all tests."""

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    rollcall("lab", "up")
    rollcall("deploy", LAB)
    fleet = Fleet()
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    return fleet
