"""Follow the record of the fleet's newest timed backup, where the fleet makes any."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path

from rollcall.contract import backups
from rollcall.contract.backups import Record
from rollcall.front.http import InvalidMessageError
from rollcall.front.inputs import consul
from rollcall.front.status.problems import Problems

INTERVAL_SECONDS = 5.0
MAX_RESPONSE_BYTES = 4096


class Followed:
    """The record as it was read last; `is_known` once Consul has responded, also that there is none."""

    def __init__(self) -> None:
        """Start with nothing."""
        self.newest: Record | None = None
        self.is_known = False

    async def follow(
        self, address: Callable[[], str], token: Path, every: Callable[[], int], problems: Problems
    ) -> None:
        """Read it every few seconds, and complain while it is too old.

        While Consul does not respond (a problem of its own), the last one stays. `every` is 0 without timed backups.
        """
        while True:
            if every():
                await self._look(address(), token)
            due = every() if self.is_known else 0
            problems.found_by("backups", backups.problems(self.newest, due, datetime.now(UTC)))
            await asyncio.sleep(INTERVAL_SECONDS)

    async def _look(self, address: str, token: Path) -> None:
        try:
            async with asyncio.timeout(consul.RESPONSE_TIMEOUT_SECONDS):
                path = f"{backups.PATH}&stale"
                response = await consul.request(address, path, consul.read_token(token), MAX_RESPONSE_BYTES)
        except (OSError, InvalidMessageError):
            return
        if response.status in (HTTPStatus.OK, HTTPStatus.NOT_FOUND):
            is_there = response.status == HTTPStatus.OK
            self.newest = backups.parse(response.body.decode(errors="replace")) if is_there else None
            self.is_known = True
