"""The commands of the front: `front apply`, `front reload` and so on, for people and deploys."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from rollcall.contract.status_document import Document
from rollcall.contract.timeouts import stretched
from rollcall.front.inputs.consul_template import CannotRenderError, ConsulTemplate
from rollcall.front.inputs.control import Command, Outcome
from rollcall.front.routing.refusal import NotServedError
from rollcall.front.serving import Serving
from rollcall.front.status.answering import text_of
from rollcall.front.status.health import verdict

# How long one command waits for another: longer than a check and a reload together.
TURN_TIMEOUT_SECONDS = stretched(20.0)


class Commands:
    """The commands. A change of what nginx serves holds `turn`; `look` returns the status document."""

    def __init__(
        self,
        serving: Serving,
        consul_template: ConsulTemplate,
        turn: asyncio.Lock,
        look: Callable[[], Document],
    ) -> None:
        """Take what the commands work on."""
        self._serving = serving
        self._consul_template = consul_template
        self._turn = turn
        self._look = look

    def by_name(self) -> Mapping[str, Command]:
        """Return every command by its name."""
        return {
            "apply": self.apply,
            "reload": self.reload,
            "render": self.render,
            "status": self.status,
            "health": self.health,
        }

    async def apply(self) -> Outcome:
        """Make nginx serve the mounted files as they are now, and the catalog."""
        try:
            async with self._in_turn():
                summary = await self._serving.apply()
                refused = self._serving.refused
                # Without that stream alone; but who declared it must learn of it.
                return Outcome(not refused, f"{summary}, but {refused[0]}" if refused else summary)
        except (NotServedError, TimeoutError) as error:
            return Outcome(False, str(error) or f"another command still runs after {TURN_TIMEOUT_SECONDS:g} s")

    async def reload(self) -> Outcome:
        """Restart consul-template on its files as they are now, and make nginx serve what it renders."""
        try:
            await self._consul_template.restart()
        except CannotRenderError as error:
            self._serving.problems.are("catalog", [str(error)])
            return Outcome(False, str(error))
        # consul-template's signal also applies; the second of the two finds nothing to do, or the same reason.
        return await self.apply()

    async def render(self) -> Outcome:
        """Return what nginx would serve for the current catalog; change nothing."""
        try:
            return Outcome(True, self._serving.preview(await self._consul_template.dry_run()))
        except (CannotRenderError, NotServedError) as error:
            return Outcome(False, str(error))

    async def status(self) -> Outcome:
        """Return the status document."""
        return Outcome(True, text_of(self._look()).decode())

    async def health(self) -> Outcome:
        """Check that nginx serves the confirmed generation and follows the catalog."""
        if not await self._serving.confirmed():
            return Outcome(False, "nginx does not respond")
        judged = verdict(self._look())
        return Outcome(judged.well, judged.text)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        async with asyncio.timeout(TURN_TIMEOUT_SECONDS):
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()
