"""consul-template as a process: restarted whenever it exits, and run dry for a preview."""

import asyncio
import os
import signal
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from rollcall.contract.consul_template import command, complaint, next_pause
from rollcall.contract.timeouts import stretched
from rollcall.front.nginx.process import shell_status
from rollcall.front.status.problems import Problems

# For Consul's response while a command waits for it.
RENDER_TIMEOUT_SECONDS = stretched(10.0)


class CannotRenderError(Exception):
    """consul-template cannot render; the text gives the reason in one sentence."""


class ConsulTemplate:
    """One consul-template, which renders the catalog to `rendered` and then signals this process."""

    def __init__(self, configuration: Path, rendered: Path, problems: Problems) -> None:
        """Prepare; `keep_running` starts it."""
        self._settings = configuration / "consul-template.hcl"
        self._template = configuration / "catalog.ctmpl"
        self._rendered = rendered
        self._problems = problems
        self._process: asyncio.subprocess.Process | None = None
        self._restart = asyncio.Event()
        self._stopping = False
        self._starts = 0
        self.since: datetime | None = None

    @property
    def running(self) -> bool:
        """Whether it runs; False while it waits for its next start."""
        return self.since is not None

    async def keep_running(self) -> None:
        """Start it, and restart it whenever it exits: at once after half a minute of life, else with growing pauses."""
        pause = 0
        while not self._stopping:
            started = time.monotonic()
            status = await self._run()
            if self._stopping:
                return
            if self._restart.is_set():
                pause = 0
                continue
            pause = next_pause(pause, time.monotonic() - started)
            text = f"consul-template exited with status {status}; restarting in {pause} s, nginx continues"
            self._problems.are("catalog", [text])
            with suppress(TimeoutError):
                await asyncio.wait_for(self._restart.wait(), pause)

    async def _run(self) -> int:
        self._restart.clear()
        # The predecessor may have rendered with another token or template: its result must not pass for this one's.
        self._rendered.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *command(self._settings, self._template, self._rendered, notified=os.getpid())
        )
        self.since, self._starts = datetime.now(UTC), self._starts + 1
        try:
            if self._stopping:
                self._terminate()
            return shell_status(await self._process.wait())
        finally:
            self.since = None

    def _terminate(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def stop(self) -> None:
        """Stop it for good; `keep_running` returns after its exit."""
        self._stopping = True
        self._restart.set()
        self._terminate()

    async def wait(self) -> None:
        """Wait until the running one has exited, if any runs."""
        if self._process is not None:
            await self._process.wait()

    async def restart(self) -> None:
        """Restart it, so that it reads its token, settings and template again; return after it has rendered.

        Raises:
            CannotRenderError: it cannot render, or did not within ten seconds.
        """
        starts = self._starts
        self._restart.set()
        self._terminate()
        await self.dry_run()
        try:
            async with asyncio.timeout(RENDER_TIMEOUT_SECONDS):
                while self._starts == starts or not self._rendered.exists():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise CannotRenderError(
                f"consul-template rendered nothing within {RENDER_TIMEOUT_SECONDS:g} s after its restart"
            ) from None

    async def dry_run(self) -> str:
        """Return what it would render now; change nothing.

        Raises:
            CannotRenderError: it cannot.
        """
        # A dry run prints only what differs from its destination, so use one that never exists.
        never = self._rendered.with_name("never.json")
        rendering = await asyncio.create_subprocess_exec(
            *("consul-template", "-config", str(self._settings), "-once", "-dry"),
            *("-template", f"{self._template}:{never}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output = asyncio.ensure_future(rendering.communicate())
        try:
            text, complaints = await asyncio.wait_for(asyncio.shield(output), RENDER_TIMEOUT_SECONDS)
        except TimeoutError:
            rendering.kill()
            _, complaints = await output
            raise CannotRenderError(
                _worded(f"Consul did not respond within {RENDER_TIMEOUT_SECONDS:g} s", complaints)
            ) from None
        if rendering.returncode != 0:
            raise CannotRenderError(_worded("consul-template cannot render", complaints))
        # Its first line names the destination.
        return text.decode().removeprefix(f"> {never}\n")


def _worded(problem: str, complaints: bytes) -> str:
    """Append the last reason in consul-template's log."""
    reasons = [text for text in map(complaint, complaints.decode(errors="replace").splitlines()) if text]
    return f"{problem}: {reasons[-1]}" if reasons else problem
