"""These checks are a command of the product, not tests of its code: they need an inventory."""

import pytest

from rollcall.verify.report import Verification


def pytest_collection(session: pytest.Session) -> None:
    if not any(isinstance(plugin, Verification) for plugin in session.config.pluginmanager.get_plugins()):
        raise pytest.UsageError("these checks need a cluster to look at: rollcall verify INVENTORY")
