"""Refuse to run the checks without a cluster: they are part of the product and need an inventory."""

import pytest

from rollcall.verify.report import Verification


def pytest_collection(session: pytest.Session) -> None:
    if not any(isinstance(plugin, Verification) for plugin in session.config.pluginmanager.get_plugins()):
        raise pytest.UsageError("these checks need a cluster; run rollcall verify INVENTORY")
