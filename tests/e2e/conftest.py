"""The lab, deployed once for all tests."""

import sys
from collections.abc import Callable

import pytest
from deployed import BACKENDS, LAB, Fleet, answering, rollcall, wait_for
from lab_command import UP

from rollcall.secrets.store import Secrets


@pytest.fixture(scope="session")
def fleet() -> Fleet:
    rollcall(*UP)
    rollcall("deploy", LAB)
    fleet = Fleet()
    wait_for("answer of every backend", lambda: answering() == BACKENDS)
    return fleet


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    """Print a figure where a person sees it, also of a test that passes."""

    def say(sentence: str) -> None:
        with capsys.disabled():
            sys.stdout.write(f"\n    {sentence}\n")

    return say


@pytest.fixture(scope="module")
def secrets(fleet: Fleet) -> Secrets:
    return fleet.secrets()
