"""An unhealthy container is looked at again at once."""

from typing import Any

import pytest

from rollcall.verify.health import passes_now


def container(*test: str) -> dict[str, Any]:
    return {"Name": "/registrator", "Config": {"Healthcheck": {"Test": list(test)} if test else None}}


@pytest.mark.parametrize(
    ("test", "command"),
    [
        (("CMD", "check", "it now"), "docker exec registrator check 'it now'"),
        (("CMD-SHELL", "check || exit 1"), "docker exec registrator /bin/sh -c 'check || exit 1'"),
    ],
)
@pytest.mark.parametrize("code", [0, 1])
def test_its_own_check_decides(test: tuple[str, ...], command: str, code: int) -> None:
    ran: list[str] = []

    def run(text: str) -> int:
        ran.append(text)
        return code

    assert passes_now(container(*test), run) == (code == 0)
    assert ran == [command]


@pytest.mark.parametrize("test", [(), ("NONE",), ("CMD",)])
def test_without_a_check_it_does_not_pass(test: tuple[str, ...]) -> None:
    assert not passes_now(container(*test), lambda _: 0)
