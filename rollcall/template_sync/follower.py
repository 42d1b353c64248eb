"""Follow one template: consul-template renders it, the guard applies it, and the follower retries rejections."""

import asyncio
import logging
import os
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rollcall.contract import template_rendering as rendering
from rollcall.contract.consul_template import command, complaint, next_pause
from rollcall.contract.template_settings import FOLDER, RUN, Template
from rollcall.template_sync.guard import Guard, RefusedError
from rollcall.template_sync.status import Sight, problem

# A rejected rendering may succeed later without a change of the catalog, for example when a container has started.
FIRST_RETRY_SECONDS, LAST_RETRY_SECONDS = 1.0, 60.0
# Of one of consul-template's lines, which may quote a whole failed rendering after the reason.
MAX_LINE_BYTES = 800

log = logging.getLogger("templates")


class Follower:
    """Follows the catalog for one template."""

    def __init__(
        self,
        template: Template,
        guard: Guard,
        source: str,
        changed: Callable[[], None],
        *,
        folder: Path = FOLDER,
        run: Path = RUN,
    ) -> None:
        """Take the template; start nothing yet.

        Args:
            template: the template's settings.
            guard: applies a rendering.
            source: the template's text.
            changed: called whenever `sight` changes.
            folder: holds the template and consul-template's configuration.
            run: consul-template renders into its directory `staging`.
        """
        self.sight = Sight(template.name, template.destination, template.container)
        self._template = template
        self._guard = guard
        self._source = source
        self._changed = changed
        self._folder = folder
        self._staging = run / "staging" / template.name
        self._woken = asyncio.Event()
        self._process: Process | None = None
        # Why nothing is rendered, and why a rendering is rejected; the first takes precedence.
        self._failure = ""
        self._refusal = ""

    def wake(self) -> None:
        """Check soon for a new rendering."""
        self._woken.set()

    async def run(self) -> None:
        """Follow until cancelled, and then stop consul-template."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._keep_rendering())
                group.create_task(self._keep_applying())
        finally:
            if self._process:
                with suppress(ProcessLookupError):
                    self._process.terminate()
                await self._process.wait()

    async def _keep_rendering(self) -> None:
        pause = 0
        loop = asyncio.get_running_loop()
        while True:
            started = loop.time()
            reason = await self._render()
            pause = next_pause(pause, loop.time() - started)
            self._failure = f"consul-template exited and restarts: {reason}"
            self._see(running=False)
            self._show_problem()
            await asyncio.sleep(pause)

    async def _render(self) -> str:
        """Run consul-template until it exits, and return its last error."""
        self._process = await asyncio.create_subprocess_exec(
            *command(
                self._folder / "consul-template.hcl",
                self._folder / f"{self._template.name}.ctmpl",
                self._staging,
                notified=os.getpid(),
            ),
            stderr=PIPE,
        )
        self._see(running=True)
        last = ""
        assert self._process.stderr is not None  # noqa: S101 - set to PIPE above
        async for text in _lines(self._process.stderr):
            log.info("%s: consul-template: %s", self._template.name, text)
            if error := complaint(text):
                last = error
                self._show_obstacle(last)
        status = await self._process.wait()
        # The next process does not report a rendering that equals the existing file.
        self._staging.unlink(missing_ok=True)
        return last or f"exit status {status}"

    async def _keep_applying(self) -> None:
        retry = None
        taken = ""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), retry)
            self._woken.clear()
            rendered = _text(self._staging)
            if not rendered:
                continue
            self._failure = ""
            if rendered != taken:
                try:
                    await self._apply(rendered)
                    self._refusal, taken, retry = "", rendered, None
                except RefusedError as refusal:
                    self._refusal = str(refusal)
                    taken = rendered if refusal.final else ""
                    retry = (
                        None if refusal.final else min(retry * 2, LAST_RETRY_SECONDS) if retry else FIRST_RETRY_SECONDS
                    )
            self._show_problem()

    async def _apply(self, rendered: str) -> None:
        found = rendering.read(rendered)
        changed = await asyncio.to_thread(self._guard.apply, found)
        addresses = len(rendering.instances(found.text, self._source))
        since = datetime.now(UTC) if changed else self.sight.served or datetime.now(UTC)
        self._see(served=since, addresses=addresses, changes=self.sight.changes + changed)
        if changed:
            log.info("%s: %s has %d addresses", self._template.name, self._template.destination, addresses)

    def _show_obstacle(self, complaint: str) -> None:
        """Show why there is no rendering yet; an existing rendering stays in use while Consul fails."""
        if not self._staging.exists():
            self._failure = f"consul-template has rendered nothing yet: {complaint}"
            self._show_problem()

    def _show_problem(self) -> None:
        found = problem(self.sight.problem, self._failure or self._refusal, datetime.now(UTC))
        if found and found != self.sight.problem:
            log.warning("%s: %s", self._template.name, found.text)
        self._see(problem=found)

    def _see(self, **what: object) -> None:
        self.sight = replace(self.sight, **what)  # type: ignore[arg-type]
        self._changed()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[str]:
    """Yield the lines of a stream, truncated to MAX_LINE_BYTES."""
    begun = b""
    while block := await stream.read(1 << 16):
        *whole, begun = (begun + block).split(b"\n")
        for line in whole:
            yield line[:MAX_LINE_BYTES].decode(errors="replace").strip()
        begun = begun[:MAX_LINE_BYTES]
    if begun:
        yield begun.decode(errors="replace").strip()


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="surrogateescape")
    except FileNotFoundError:
        return ""
