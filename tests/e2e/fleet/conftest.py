"""Whatever the tests did to the fleet, `verify` is green after them: after all of them, or after each file."""

from collections.abc import Iterator

import pytest
from deployed import LAB, Fleet, rollcall

OPTION = "--verify-after"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(OPTION, choices=("all", "file"), default="all", help="When verify must be green (15 s each).")


@pytest.fixture(scope="session", autouse=True)
def verify_is_green_after_all(fleet: Fleet) -> Iterator[None]:
    yield
    rollcall("verify", LAB)


@pytest.fixture(scope="session", autouse=True)
def no_container_left_its_volume(fleet: Fleet) -> Iterator[None]:
    """What an image declares as a volume goes with its container, a trial's or a helper's, too."""

    def anonymous() -> set[tuple[str, str]]:
        command = "docker volume ls --quiet --filter dangling=true | grep -xE '[0-9a-f]{64}'"
        return {(host, name) for host in fleet.hosts for name in fleet.on(host, command, check=False).split()}

    before = anonymous()
    yield
    assert anonymous() <= before


@pytest.fixture(scope="module", autouse=True)
def verify_is_green_after_the_file(request: pytest.FixtureRequest, fleet: Fleet) -> Iterator[None]:
    yield
    if request.config.getoption(OPTION) == "file":
        rollcall("verify", LAB)
