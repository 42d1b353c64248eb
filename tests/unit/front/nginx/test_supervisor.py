"""nginx restarts when it exits."""

import asyncio

import pytest

from rollcall.front.nginx import supervisor
from rollcall.front.nginx.supervisor import serves


class Starting:
    """An nginx that serves a later generation than the one it was started for."""

    running = True


def test_nginx_serves_even_if_the_generation_changes_during_its_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "POLL_INTERVAL_SECONDS", 0.001)
    confirmed = iter([False, False, True])

    async def answers() -> bool:
        return next(confirmed)

    assert asyncio.run(asyncio.wait_for(serves(Starting(), answers), 5))  # type: ignore[arg-type]


def test_an_nginx_that_exits_does_not_serve() -> None:
    async def answers() -> bool:
        raise AssertionError

    ended = Starting()
    ended.running = False
    assert not asyncio.run(serves(ended, answers))  # type: ignore[arg-type]
