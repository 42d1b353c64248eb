"""A rendering is applied, retried, or rejected until the next one; a consul-template that exits restarts."""

import asyncio
import signal
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from own_template import template

from rollcall.contract.template_rendering import Rendering
from rollcall.template_sync import follower as module
from rollcall.template_sync.follower import Follower
from rollcall.template_sync.guard import Guard, RefusedError
from rollcall.template_sync.status import Sight

# Renders the file `catalog` once and then waits; exits if the file is empty.
CONSUL_TEMPLATE = """#!/bin/sh
spec=$4 source=${4%%:*} rest=${4#*:}
[ -s "${source%/*}/catalog" ] || { echo "2026 [ERR] (cli) no such thing" >&2; exit 14; }
cp "${source%/*}/catalog" "${rest%%:*}" && eval "${rest#*:}" && exec sleep 60
"""
READABLE = "\n# rollcall: readable\n"


class Service(Guard):
    """Rejects the configured number of renderings, and accepts the rest."""

    def __init__(self) -> None:
        self.refusals: list[RefusedError] = []
        self.asked: list[str] = []

    def apply(self, rendering: Rendering) -> bool:
        self.asked.append(rendering.text)
        if self.refusals:
            raise self.refusals.pop(0)
        return True


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def catalog(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(module, "FIRST_RETRY_SECONDS", 0.02)
    program = tmp_path / "bin" / "consul-template"
    program.parent.mkdir()
    program.write_text(CONSUL_TEMPLATE)
    program.chmod(0o755)
    (tmp_path / "staging").mkdir()
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    (tmp_path / "catalog").write_text(f"server 10.0.0.1:80\n{READABLE}")
    return tmp_path / "catalog"


def follow(catalog: Path, service: Service, watch: Callable[[Follower], Coroutine[Any, Any, None]]) -> None:
    """Run a follower while `watch` runs."""

    async def both() -> None:
        follower = Follower(template("true"), service, "", lambda: None, folder=catalog.parent, run=catalog.parent)
        asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, follower.wake)
        running = asyncio.create_task(follower.run())
        try:
            await watch(follower)
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)

    asyncio.run(both())


async def until(follower: Follower, condition: Callable[[Sight], object]) -> Sight:
    deadline = time.monotonic() + 5
    while not condition(follower.sight):
        assert time.monotonic() < deadline, follower.sight
        await asyncio.sleep(0.01)
    return follower.sight


def test_a_rendering_is_applied_and_shown(catalog: Path, service: Service) -> None:
    async def watch(follower: Follower) -> None:
        sight = await until(follower, lambda now: now.served)
        assert (sight.running, sight.addresses, sight.changes, sight.problem) == (True, 1, 1, None)
        assert service.asked == ["server 10.0.0.1:80\n"]

    follow(catalog, service, watch)


def test_a_refusal_is_shown_and_tried_again_without_a_change(catalog: Path, service: Service) -> None:
    service.refusals = [RefusedError("its check fails"), RefusedError("its check fails")]
    seen: list[str] = []

    async def watch(follower: Follower) -> None:
        sight = await until(follower, lambda now: (seen.append(str(now.problem)), now.served)[1])
        assert sight.problem is None
        assert any("its check fails" in problem for problem in seen)

    follow(catalog, service, watch)
    assert len(service.asked) == 3


def test_a_final_refusal_waits_for_the_next_rendering(catalog: Path, service: Service) -> None:
    service.refusals = [RefusedError("the reload fails", final=True)]

    async def watch(follower: Follower) -> None:
        await until(follower, lambda now: now.problem)
        follower.wake()
        # The follower reads the next rendering after all earlier ones.
        (catalog.parent / "staging" / "haproxy").write_text(f"server 10.0.0.2:80\n{READABLE}")
        follower.wake()
        await until(follower, lambda now: now.served)

    follow(catalog, service, watch)
    assert service.asked == ["server 10.0.0.1:80\n", "server 10.0.0.2:80\n"]


def test_a_consul_template_that_exits_restarts_and_its_last_error_is_shown(catalog: Path, service: Service) -> None:
    text = catalog.read_text()
    catalog.write_text("")

    async def watch(follower: Follower) -> None:
        sight = await until(follower, lambda now: now.problem and "exited" in now.problem.text)
        assert sight.problem is not None
        assert sight.problem.text == "consul-template exited and restarts: no such thing"
        assert not sight.running
        catalog.write_text(text)
        await until(follower, lambda now: now.served and now.running and not now.problem)

    follow(catalog, service, watch)


def test_a_complaint_of_any_length_does_not_end_what_follows(catalog: Path, service: Service) -> None:
    program = catalog.parent / "bin" / "consul-template"
    program.write_text(
        "#!/bin/sh\n{ printf '2026 [ERR] (cli) '; head -c 300000 /dev/zero | tr '\\0' x; echo; } >&2; exit 14\n"
    )

    async def watch(follower: Follower) -> None:
        sight = await until(follower, lambda sight: sight.problem and "xxx" in sight.problem.text)
        assert sight.problem is not None and len(sight.problem.text) < 1000

    follow(catalog, service, watch)
