"""What a read of a host spares pyinfra: its operations keep their order."""

import inspect
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from pyinfra.api import util

from rollcall.deploy import read_host


def test_operations_are_ordered_by_lines_without_a_look_at_the_source(monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever a test before replaced.
    monkeypatch.setattr(util, "stack", inspect.stack)
    monkeypatch.setattr(util, "getframeinfo", inspect.getframeinfo)
    state = SimpleNamespace(current_deploy_filename=__file__, current_op_file_number=0)
    steps: list[Callable[[], None]] = [lambda: None, read_host._order_by_lines_alone]
    orders, looks = [], []
    monkeypatch.setattr(inspect, "findsource", lambda _frame: looks.append(len(orders)) or ([""] * 10_000, 0))
    for step in steps:
        step()
        orders.append(util.get_operation_order_from_stack(state))  # type: ignore[arg-type]
    assert orders[0] == orders[1]
    assert set(looks) == {0}
