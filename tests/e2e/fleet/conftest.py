"""Whatever the tests of a file did to the fleet, `verify` is green after them."""

from collections.abc import Iterator

import pytest
from deployed import LAB, Fleet, rollcall


@pytest.fixture(scope="module", autouse=True)
def verify_is_green_afterwards(fleet: Fleet) -> Iterator[None]:
    yield
    rollcall("verify", LAB)
