"""What a person or a deploy may order of the front: `front apply`, `front reload` and so on."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

from rollcall.contract.status_document import Document
from rollcall.contract.timeouts import stretched
from rollcall.front.inputs.consul_template import CannotRenderError, ConsulTemplate
from rollcall.front.inputs.control import Order, Outcome
from rollcall.front.routing.refusal import NotServedError
from rollcall.front.serving import Serving
from rollcall.front.status.answering import text_of
from rollcall.front.status.health import verdict

# Seconds that one order waits for another: longer than a check and a reload take together.
TURN = stretched(20.0)


class Orders:
    """The orders. `turn` is held by whoever changes what is served; `look` gives the status document."""

    def __init__(
        self,
        serving: Serving,
        consul_template: ConsulTemplate,
        turn: asyncio.Lock,
        look: Callable[[], Document],
    ) -> None:
        """Take what the orders are about."""
        self._serving = serving
        self._consul_template = consul_template
        self._turn = turn
        self._look = look

    def by_name(self) -> Mapping[str, Order]:
        """Every order by its name."""
        return {
            "apply": self.apply,
            "reload": self.reload,
            "render": self.render,
            "status": self.status,
            "health": self.health,
        }

    async def apply(self) -> Outcome:
        """Have nginx serve the mounted files as they are now, and the catalog."""
        try:
            async with self._in_turn():
                return Outcome(True, await self._serving.apply())
        except (NotServedError, TimeoutError) as error:
            return Outcome(False, str(error) or f"another order has not ended for {TURN:g} s")

    async def reload(self) -> Outcome:
        """Start consul-template anew on its files as they are now, and have nginx serve what it renders."""
        try:
            await self._consul_template.start_anew()
        except CannotRenderError as error:
            self._serving.problems.are("catalog", [str(error)])
            return Outcome(False, str(error))
        # Its signal has the same done; whoever comes second finds nothing to do, or the same complaint.
        return await self.apply()

    async def render(self) -> Outcome:
        """Word what nginx would serve of the catalog as it is now, and change nothing."""
        try:
            return Outcome(True, self._serving.preview(await self._consul_template.dry_run()))
        except (CannotRenderError, NotServedError) as error:
            return Outcome(False, str(error))

    async def status(self) -> Outcome:
        """Give the status document."""
        return Outcome(True, text_of(self._look()).decode())

    async def health(self) -> Outcome:
        """Say whether nginx is confirmed to serve, and follows the catalog."""
        if not await self._serving.answers():
            return Outcome(False, "nginx does not answer")
        judged = verdict(self._look())
        return Outcome(judged.well, judged.text)

    @asynccontextmanager
    async def _in_turn(self) -> AsyncIterator[None]:
        async with asyncio.timeout(TURN):
            await self._turn.acquire()
        try:
            yield
        finally:
            self._turn.release()
