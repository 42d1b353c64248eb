"""What a front knows of the fleet's backups."""

import asyncio
import json
from pathlib import Path

import pytest

from rollcall.contract.backups import Record
from rollcall.front.inputs import backups
from rollcall.front.status.problems import Problems

OLD = Record(1000, "consul1", "/srv/x.snapshot", 5, 6)
OLD_BODY = json.dumps(OLD.to_json())


def followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *responses: str, every: int = 3600
) -> tuple[Record | None, list[str]]:
    """Follow an agent with these responses, each "STATUS REASON BODY", until it has given the last one."""
    monkeypatch.setattr(backups, "INTERVAL_SECONDS", 0.01)
    (tmp_path / "token").write_text("secret\n")
    left, problems, over = list(responses), Problems(), asyncio.Event()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert "X-Consul-Token: secret" in (await reader.readuntil(b"\r\n\r\n")).decode()
        if not left:
            over.set()
        status, reason, body = (left.pop(0) if left else responses[-1]).split(" ", 2)
        writer.write(f"HTTP/1.0 {status} {reason}\r\n\r\n{body}".encode())
        writer.close()

    async def run() -> Record | None:
        server = await asyncio.start_server(connected, "127.0.0.1", 0)
        address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
        known = backups.Followed()
        async with server:
            task = asyncio.create_task(known.follow(lambda: address, tmp_path / "token", lambda: every, problems))
            if every:
                await asyncio.wait_for(over.wait(), 10)
            await asyncio.sleep(0.05)
            task.cancel()
        return known.newest

    return asyncio.run(run()), [problem.kind for problem in problems.all()]


def test_an_old_backup_and_a_missing_one_are_problems(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(tmp_path, monkeypatch, f"200 OK {OLD_BODY}") == (OLD, ["backup"])
    assert followed(tmp_path, monkeypatch, "404 Missing ") == (None, ["backup"])


def test_an_agent_that_responds_otherwise_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(tmp_path, monkeypatch, "403 Forbidden no") == (None, [])
    assert followed(tmp_path, monkeypatch, f"200 OK {OLD_BODY}", "500 Error no leader") == (OLD, ["backup"])


def test_a_fleet_without_backups_is_not_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert followed(tmp_path, monkeypatch, f"200 OK {OLD_BODY}", every=0) == (None, [])
