"""Commands to the front's process."""

import asyncio
from pathlib import Path

import pytest

from rollcall.front.inputs import control
from rollcall.front.inputs.control import Outcome


async def asked(path: Path, request: bytes) -> str:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(request)
    answer = (await asyncio.wait_for(reader.read(), 5)).decode()
    writer.close()
    return answer


def run(path: Path, name: str) -> str:
    async def well() -> Outcome:
        return Outcome(True, "done\n")

    async def refused() -> Outcome:
        return Outcome(False, "nginx refuses it")

    async def broken() -> Outcome:
        raise RuntimeError("no such thing")

    async def conversation() -> str:
        async with await control.listen(path, {"well": well, "refused": refused, "broken": broken}):
            return await asked(path, f"GET /{name} HTTP/1.1\r\nHost: front\r\n\r\n".encode())

    return asyncio.run(conversation())


@pytest.mark.parametrize(
    ("name", "status", "text"),
    [
        ("well", "200 OK", "done\n"),
        ("refused", "409 Conflict", "nginx refuses it\n"),
        ("broken", "409 Conflict", "broken failed: RuntimeError: no such thing\n"),
        ("other", "409 Conflict", "command: got 'other'; expected one of broken, refused, well\n"),
    ],
)
def test_a_command_returns_its_outcome(tmp_path: Path, name: str, status: str, text: str) -> None:
    head, _, body = run(tmp_path / "control.sock", name).partition("\r\n\r\n")
    assert head.startswith(f"HTTP/1.1 {status}\r\n")
    assert body == text


def test_only_the_fronts_own_user_may_send_commands(tmp_path: Path) -> None:
    path = tmp_path / "control.sock"

    async def mode() -> int:
        async with await control.listen(path, {}):
            return path.stat().st_mode & 0o777

    assert asyncio.run(mode()) == 0o700
