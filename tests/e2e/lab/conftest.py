"""The lab itself, up; whatever is deployed on it stays."""

import pytest
from lab_command import UP, Rollcall, run


@pytest.fixture(scope="session")
def rollcall() -> Rollcall:
    return run


@pytest.fixture(scope="session")
def lab(rollcall: Rollcall) -> None:
    done = rollcall(*UP)
    assert done.returncode == 0, done.stdout + done.stderr
