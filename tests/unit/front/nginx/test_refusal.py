"""Why nginx refuses a configuration, from its log."""

import asyncio
import sys
from pathlib import Path

import pytest

from rollcall.front.nginx.ports import Ports
from rollcall.front.nginx.process import Nginx

AT = "2026/11/29 22:10:38"
TAKEN = "bind() to 127.0.0.1:80 failed (98: Address already in use)"


def refusal(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, *lines: str) -> str:
    """Run a program in nginx's place that logs these lines; its process id is MASTER in them."""
    (tmp_path / "nginx").write_text(
        f"#!{sys.executable}\nimport os, sys\nfor line in {lines!r}:\n"
        "    print(line.replace('MASTER', str(os.getpid())), file=sys.stderr)\n"
    )
    (tmp_path / "nginx").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}")

    async def run() -> str:
        nginx = Nginx(tmp_path / "nginx.conf", Ports({}), tmp_path / "nginx.sock")
        await nginx.start()
        await nginx.wait()
        await asyncio.gather(*nginx._logs)
        return nginx.refusal

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ([f"{AT} [emerg] MASTER#MASTER: host not found in upstream"], "host not found in upstream"),
        (['nginx: [emerg] unknown directive "a" in /nginx.conf:1'], 'unknown directive "a" in /nginx.conf:1'),
        ([f"{AT} [warn] MASTER#MASTER: conflicting server name", f"{AT} [emerg] 1#1: a worker's"], ""),
        ([f"{AT} [emerg] MASTER#MASTER: {TAKEN}"], ""),
        ([f"{AT} [emerg] MASTER#MASTER: {why}" for why in (TAKEN, TAKEN, "still could not bind()")], TAKEN),
    ],
    ids=["reload", "start", "not the master's", "tries again", "tried in vain"],
)
def test_the_masters_last_word_on_a_configuration_is_its_refusal(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lines: list[str], why: str
) -> None:
    assert refusal(monkeypatch, tmp_path, *lines) == why
