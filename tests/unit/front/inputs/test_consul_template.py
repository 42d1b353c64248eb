"""consul-template's failures as one sentence, and its restarts."""

import asyncio
from pathlib import Path

import pytest

from rollcall.front.inputs import consul_template
from rollcall.front.inputs.consul_template import CannotRenderError, ConsulTemplate
from rollcall.front.status.problems import Problems

LOG = """2026/11/26 03:00:00.000001 [WARN] (view) health.service(x|any): Get "http://127.0.0.1:8500": connection refused
2026/11/26 03:00:00.000002 [ERR] (runner) sending server error back to caller
"""


@pytest.fixture
def problems() -> Problems:
    return Problems()


@pytest.fixture
def program(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, problems: Problems):
    """Run a script in place of consul-template."""
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    (tmp_path / "log").write_text(LOG)

    def stand_in(script: str) -> ConsulTemplate:
        path = tmp_path / "bin" / "consul-template"
        path.write_text(f"#!/bin/bash\ncd {tmp_path}\n{script}\n")
        path.chmod(0o755)
        return ConsulTemplate(tmp_path, tmp_path / "catalog.json", problems)

    return stand_in


def test_a_dry_run_returns_the_text_without_its_first_line(program, tmp_path: Path) -> None:
    one = program(f"echo '> {tmp_path}/never.json'; echo '{{}}'")
    assert asyncio.run(one.dry_run()) == "{}\n"


def test_the_reason_is_the_last_line_with_one(program) -> None:
    with pytest.raises(CannotRenderError) as refused:
        asyncio.run(program("cat log >&2; exit 14").dry_run())
    assert str(refused.value) == (
        'consul-template cannot render: health.service(x|any): Get "http://127.0.0.1:8500": connection refused'
    )


def test_a_dry_run_times_out_without_consul(program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(consul_template, "RENDER_TIMEOUT_SECONDS", 0.3)
    with pytest.raises(CannotRenderError, match=r"Consul did not respond within 0.3 s: .*connection refused"):
        asyncio.run(program("cat log >&2; exec sleep 60").dry_run())


def test_a_process_that_exits_is_restarted_and_reported(program, problems: Problems, tmp_path: Path) -> None:
    one = program("echo started >>starts; sleep 0.05; exit 3")

    async def twice() -> list[str]:
        keeping = asyncio.create_task(one.keep_running())
        async with asyncio.timeout(10):
            while not (tmp_path / "starts").exists() or (tmp_path / "starts").read_text().count("started") < 2:
                await asyncio.sleep(0.01)
        one.stop()
        await asyncio.wait_for(keeping, 5)
        return [problem.text for problem in problems.all()]

    assert asyncio.run(twice()) == ["consul-template exited with status 3; restarting in 1 s, nginx continues"]


def test_a_restart_is_immediate_and_renders_again(program, tmp_path: Path) -> None:
    one = program(
        'case "$*" in *-dry*) exit;; esac; trap exit TERM; echo $$ >catalog.json; while :; do sleep 0.01; done'
    )

    async def anew() -> tuple[str, str]:
        keeping = asyncio.create_task(one.keep_running())
        rendered = tmp_path / "catalog.json"
        async with asyncio.timeout(10):
            while not rendered.exists() or not rendered.read_text():
                await asyncio.sleep(0.01)
        before = rendered.read_text()
        await one.restart()
        async with asyncio.timeout(10):
            while not rendered.read_text():
                await asyncio.sleep(0.01)
        after = rendered.read_text()
        one.stop()
        await asyncio.wait_for(keeping, 5)
        return before, after

    before, after = asyncio.run(anew())
    assert before != after
