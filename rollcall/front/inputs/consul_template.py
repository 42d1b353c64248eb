"""consul-template as a process: started again whenever it ends, and asked what it would render."""

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

# Seconds in which Consul is to answer when somebody waits for what it says.
ANSWER = stretched(10.0)


class CannotRenderError(Exception):
    """There is nothing to render, and the text says why in one sentence."""


class ConsulTemplate:
    """consul-template, which renders the catalog to `rendered` and then signals this process."""

    def __init__(self, configuration: Path, rendered: Path, problems: Problems) -> None:
        """Start nothing yet."""
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
        """Whether it runs; not while it waits for its next start."""
        return self.since is not None

    async def keep_running(self) -> None:
        """Start it, and again whenever it ends: at once after half a minute of life, then ever later."""
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
            again = f"and is started again in {pause} s; nginx serves on"
            self._problems.are("catalog", [f"consul-template ended with status {status} {again}"])
            with suppress(TimeoutError):
                await asyncio.wait_for(self._restart.wait(), pause)

    async def _run(self) -> int:
        self._restart.clear()
        # What the one before rendered, with another token or template, is not to be taken for this one's.
        self._rendered.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *command(self._settings, self._template, self._rendered, notified=os.getpid())
        )
        self.since, self._starts = datetime.now(UTC), self._starts + 1
        try:
            if self._stopping:
                self._end()
            return shell_status(await self._process.wait())
        finally:
            self.since = None

    def _end(self) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self._process.pid, signal.SIGTERM)

    def stop(self) -> None:
        """End it for good; `keep_running` returns when it has ended."""
        self._stopping = True
        self._restart.set()
        self._end()

    async def ended(self) -> None:
        """Wait for the end of the one that runs, if any does."""
        if self._process is not None:
            await self._process.wait()

    async def start_anew(self) -> None:
        """Have it read its token, its settings and its template again; returns when it has rendered.

        Raises:
            CannotRenderError: it cannot, or has not for ten seconds.
        """
        starts = self._starts
        self._restart.set()
        self._end()
        await self.dry_run()
        try:
            async with asyncio.timeout(ANSWER):
                while self._starts == starts or not self._rendered.exists():
                    await asyncio.sleep(0.02)
        except TimeoutError:
            raise CannotRenderError(f"consul-template, started anew, has rendered nothing for {ANSWER:g} s") from None

    async def dry_run(self) -> str:
        """Give what it would render now, and change nothing.

        Raises:
            CannotRenderError: it cannot.
        """
        # A dry run prints only what differs from its destination: hence one that never exists.
        never = self._rendered.with_name("never.json")
        rendering = await asyncio.create_subprocess_exec(
            *("consul-template", "-config", str(self._settings), "-once", "-dry"),
            *("-template", f"{self._template}:{never}"),
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        output = asyncio.ensure_future(rendering.communicate())
        try:
            text, complaints = await asyncio.wait_for(asyncio.shield(output), ANSWER)
        except TimeoutError:
            rendering.kill()
            _, complaints = await output
            raise CannotRenderError(_worded(f"Consul did not answer within {ANSWER:g} s", complaints)) from None
        if rendering.returncode != 0:
            raise CannotRenderError(_worded("consul-template cannot render", complaints))
        # Its first line names the destination.
        return text.decode().removeprefix(f"> {never}\n")


def _worded(problem: str, complaints: bytes) -> str:
    """Add the last thing that consul-template complained of, and said anything about."""
    reasons = [text for text in map(complaint, complaints.decode(errors="replace").splitlines()) if text]
    return f"{problem}: {reasons[-1]}" if reasons else problem
