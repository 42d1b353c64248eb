"""What a project's deploy.py lists."""

from pathlib import Path

import pytest

from rollcall.components import declared
from rollcall.errors import RollcallError

FORMER = """from rollcall.components import (
    backend,
    consul,
)

COMPONENTS = (consul.COMPONENT, backend.COMPONENT)
"""


def test_a_component_of_before_is_named_with_what_to_remove(tmp_path: Path) -> None:
    file = tmp_path / "deploy.py"
    file.write_text(FORMER)
    with pytest.raises(RollcallError) as refusal:
        declared.components(tmp_path)
    why = "got backend, whose sample containers are services now; expected neither backend nor backend.COMPONENT"
    assert str(refusal.value) == f"{file}:1: {why}"
