"""The registrator's version."""

from rollcall.config.settings import Registrator
from rollcall.registrator.__main__ import VERSION


def test_the_version_is_that_of_the_image() -> None:
    assert Registrator().image.endswith(f":{VERSION}")
