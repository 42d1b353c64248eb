"""The shell command of a container's own health check."""

from typing import Any

import pytest

from rollcall.converge import health_check


@pytest.mark.parametrize(
    ("test", "command"),
    [
        (("CMD", "check", "it now"), "docker exec registrator check 'it now'"),
        (("CMD-SHELL", "check || exit 1"), "docker exec registrator /bin/sh -c 'check || exit 1'"),
        ((), ""),
        (("NONE",), ""),
        (("CMD",), ""),
    ],
)
def test_it_is_run_as_docker_runs_it(test: tuple[str, ...], command: str) -> None:
    container: dict[str, Any] = {
        "Name": "/registrator",
        "Config": {"Healthcheck": {"Test": list(test)} if test else None},
    }
    assert health_check.command(container) == command
