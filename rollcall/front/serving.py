"""From what is to be served to what nginx serves: what it refuses takes the place of nothing that it serves."""

import asyncio
import errno
import math
import signal
import time
from collections import deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front import paths
from rollcall.front.inputs import mounted
from rollcall.front.inputs.catalog import Instance
from rollcall.front.inputs.mounted import NOTHING, Rendered
from rollcall.front.inputs.settings import Settings
from rollcall.front.log import say
from rollcall.front.nginx import process, workers
from rollcall.front.nginx.generation import Contents, Generations
from rollcall.front.nginx.old_workers import OldWorkers
from rollcall.front.nginx.process import Nginx
from rollcall.front.routing.candidate import Candidate, kept_of, kept_text, routed
from rollcall.front.routing.refusal import Kind, NotServedError
from rollcall.front.routing.retained import Keeping
from rollcall.front.status import findings
from rollcall.front.status.document import Generation
from rollcall.front.status.problems import Problems

# Seconds until a new generation serves; milliseconds are usual.
CONFIRMED = stretched(5.0)
# Seconds between two looks whether it does.
LOOK = 0.005
# So many reloads within so many seconds are made at once; the changes of a longer burst are served together.
AT_ONCE = 4
WITHIN = 1.0
# Seconds after which what was not confirmed is tried again: the machine may only have been too busy.
UNCONFIRMED_AGAIN = 30.0
# What a full disk or memory says through nginx, which has only words for it.
_FULL = ("No space left on device", "Disk quota exceeded", "Cannot allocate memory", "Too many open files")


class Serving:
    """What nginx serves, and how it comes to serve something else. Who calls sees to it that one call goes at a time.

    `listed` tells since when an address:port is in nginx's list.
    """

    def __init__(self, server: Nginx, generations: Generations, settings: Settings, problems: Problems) -> None:
        """Nothing happens before `begin`. `settings` are those of the start."""
        self._nginx = server
        self._generations = generations
        self.problems = problems
        self.keeping = Keeping(problems)
        self._old_workers = OldWorkers()
        self.rendered = NOTHING
        self.settings = settings
        self.served: Candidate | None = None
        self.listed: Mapping[str, datetime] = {}
        self.generation = Generation(0, datetime.now(UTC))
        # When to apply once more without anything new (time.monotonic).
        self.again_at = math.inf
        self._reloaded: deque[float] = deque(maxlen=AT_ONCE)

    async def answers(self) -> bool:
        """Whether nginx answers, with the generation that was confirmed last."""
        return await self._nginx.serves(self.generation.number)

    async def begin(self, *, last_good: bool) -> None:
        """Choose the generation to start nginx with.

        It is the last good instances under the configuration as it is now; else the last good generation as it was,
        where `last_good` allows that; else no instances.

        Raises:
            NotServedError: nginx refuses what there is.
        """
        contents = self._generations.contents(self._generations.current())
        if contents is None:
            await self._begin_with(NOTHING)
            return
        self.keeping.kept = kept_of(contents.kept)
        rendered = mounted.rendered_before(contents.catalog)
        try:
            await self._begin_with(rendered)
        except NotServedError as error:
            if not last_good:
                raise
            self._note(error)
            await self._begin_as_it_was(rendered)

    async def _begin_with(self, rendered: Rendered) -> None:
        new = self._generations.current() + 1
        wanted = mounted.wanted(mounted.settings(), rendered.catalog, self.keeping.kept)
        await self._build(new, wanted, rendered.text, f"nginx refuses to start with generation {new}")
        self._make_current(new)
        self.rendered = rendered
        self._is_served(wanted, new)

    async def _begin_as_it_was(self, rendered: Rendered) -> None:
        number = self._generations.current()
        complaint = ""
        with suppress(OSError):
            # Without a verdict it is taken for as good as it was.
            complaint = await process.complaint(self._generations.directory(number) / "nginx.conf")
        if complaint:
            # Not even that: then visitors are at least told so, if the configuration without instances is good.
            self.keeping.kept = ()
            await self._begin_with(NOTHING)
            return
        self.rendered = rendered
        self.generation = replace(self.generation, number=number)
        # What it is is known only as far as the present files tell.
        with suppress(NotServedError):
            self._is_served(mounted.wanted(mounted.settings(), rendered.catalog, self.keeping.kept), number)

    def begun(self) -> None:
        """Take note that nginx serves what was chosen."""
        self._generations.keep_only(self.generation.number)
        say(f"generation {self.generation.number} serves {len(self.listed)} instances")

    async def apply(self) -> str:
        """Make nginx serve the mounted files as they are now, and the catalog as it was rendered last.

        Raises:
            NotServedError: it does not, and the last good configuration stays.
        """
        try:
            said = await self._apply()
        except NotServedError as error:
            self._note(error)
            raise
        except OSError as error:
            # No memory or no descriptor left: what is served is served on.
            hindered = NotServedError("hindered", f"a change could not be made: {_why(error)}")
            self._note(hindered)
            raise hindered from error
        self._note(None)
        return said

    def _note(self, error: NotServedError | None) -> None:
        """Take note of why the last change is not served, or that it is."""
        self.again_at = time.monotonic() + error.again if error is not None else math.inf
        if error is not None and error.kind == "catalog":
            self.problems.are(error.kind, [str(error)])
            return
        for kind in ("refused", "hindered"):
            self.problems.are(kind, [str(error)] if error is not None and error.kind == kind else [])

    def preview(self, text: str) -> str:
        """Word what nginx would serve of a catalog.

        Raises:
            NotServedError: there is no telling.
        """
        return mounted.wanted(mounted.settings(), mounted.catalog_of(text), self.keeping.kept).sites

    async def _apply(self) -> str:
        rendered = self._last_rendered()
        settings = mounted.settings()
        await self.keeping.compare(self._routed(), rendered.catalog, settings.keep_lost)
        self.rendered = rendered
        wanted = mounted.wanted(settings, rendered.catalog, self.keeping.kept)
        self._complain(wanted)
        old = self._generations.current()
        new = old + 1
        await self._build(new, wanted, rendered.text, f"nginx refuses generation {new}, {old} stays")
        if self._generations.same(new, old) and await self._nginx.serves(old):
            self._generations.remove(new)
            self._is_served(wanted, old)
            return f"generation {old} serves this already"
        await self._swap(old, new)
        self._is_served(wanted, new)
        self.look_at_old_workers()
        said = f"generation {new} serves {len(self.listed)} instances"
        say(said)
        return said

    def _last_rendered(self) -> Rendered:
        """What consul-template rendered last; what was known before, while it has rendered nothing."""
        rendered = mounted.rendered()
        if rendered is None:
            return self.rendered
        if not rendered.catalog.readable:
            stays = f"so generation {self.generation.number} stays; may the front's token read services?"
            raise NotServedError("catalog", f"Consul shows nothing of its catalog, not even itself, {stays}")
        self.problems.are("catalog", [])
        return rendered

    def _routed(self) -> list[Instance]:
        """The instances that requests are passed to, by what the catalog said last."""
        upstreams = self.served.routing.upstreams if self.served else ()
        services = {server.instance.service for one in upstreams for server in one.servers}
        return [one for one in routed(self.rendered.catalog) if one.service in services]

    def _complain(self, wanted: Candidate) -> None:
        for kind in ("conflict", "metadata", "canary", "maintenance"):
            texts = [one.text for one in wanted.routing.complaints if one.kind == kind]
            self.problems.are(kind, texts + (list(wanted.catalog.complaints) if kind == "metadata" else []))

    async def _build(self, number: int, wanted: Candidate, catalog: str, refusal: str) -> None:
        """Write a generation and have nginx check it; nothing of it stays if it is not good."""
        try:
            self._generations.build(number, Contents(wanted.sites, catalog, kept_text(wanted.kept)))
        except OSError as error:
            self._generations.remove(number)
            # A mounted file that is not there stays away until a deploy puts it there; the volume may mend itself.
            is_missing = isinstance(error, FileNotFoundError | PermissionError)
            is_mounted = Path(error.filename or "").is_relative_to(paths.CONFIGURATION)
            kind: Kind = "refused" if is_missing and is_mounted else "hindered"
            raise NotServedError(kind, f"cannot write generation {number}: {_why(error)}") from error
        try:
            complaint = await process.complaint(self._generations.directory(number) / "nginx.conf")
        except OSError as error:
            self._generations.remove(number)
            raise NotServedError("hindered", f"cannot check generation {number}: {_why(error)}") from error
        if complaint:
            self._generations.remove(number)
            hindered = any(reason in complaint for reason in _FULL)
            raise NotServedError("hindered" if hindered else "refused", f"{refusal}: {complaint}")

    def _make_current(self, number: int) -> None:
        try:
            self._generations.make_current(number)
        except OSError as error:
            raise NotServedError(
                "hindered", f"cannot make generation {number} the current one: {_why(error)}"
            ) from error

    def rest(self) -> float:
        """Seconds until the next reload may be."""
        if len(self._reloaded) < AT_ONCE:
            return 0.0
        return max(0.0, self._reloaded[0] + WITHIN - time.monotonic())

    async def _swap(self, old: int, new: int) -> None:
        self._make_current(new)
        started = time.monotonic()
        self._reloaded.append(started)
        before = workers.accepting()
        if not self._nginx.tell(signal.SIGHUP):
            self._make_current(old)
            raise NotServedError("hindered", f"nginx could not be told of generation {new}: it is being started")
        if not await self._confirmed(new, before):
            self._make_current(old)
            # Whatever became of the new one, nginx is to serve what `current` says.
            self._nginx.tell(signal.SIGHUP)
            self._generations.remove(new)
            raise NotServedError(
                "refused",
                f"nginx did not serve generation {new} within {CONFIRMED:g} s, {old} stays; its own log says why",
                again=UNCONFIRMED_AGAIN,
            )
        self._generations.keep_only(new)
        took = time.monotonic() - started
        self.generation = replace(
            self.generation, reloads=self.generation.reloads + 1, last_reload_seconds=round(took, 3)
        )

    async def _confirmed(self, number: int, before: frozenset[int]) -> bool:
        """Wait until the workers of a generation answer, and none of those before takes a connection any more."""
        with suppress(TimeoutError):
            async with asyncio.timeout(CONFIRMED):
                while workers.still_accepting(before) or not await self._nginx.serves(number):
                    # nginx's master waits 100 ms for the new workers to start before it tells the old ones to end
                    # (ngx_msleep in src/os/unix/ngx_process_cycle.c). Once they have their title they have started:
                    # what it is going to say is said now. It takes note of no worker's end before it has said so too,
                    # and so starts none in its place.
                    if len(workers.accepting() - before) >= len(before):
                        workers.tell(before, signal.SIGQUIT)
                    await asyncio.sleep(LOOK)
                return True
        return False

    def _is_served(self, wanted: Candidate, number: int) -> None:
        now = datetime.now(UTC)
        self.served, self.settings = wanted, wanted.settings
        self.listed = {endpoint: self.listed.get(endpoint, now) for endpoint in wanted.endpoints}
        self.problems.found_by("what is served", findings.of_catalog(wanted.routing, wanted.catalog))
        if number != self.generation.number:
            self.generation = replace(self.generation, number=number, since=now)

    def look_at_old_workers(self) -> None:
        """Count the generations whose workers still end connections, and end the oldest where there are too many."""
        self._old_workers.look(self.generation.number)
        most = self.settings.old_generations
        if self._old_workers.end_beyond(most):
            say(f"more than {most} earlier generations had connections left: the oldest were ended")
        self.generation = replace(self.generation, old=self._old_workers.generations)


def _why(error: OSError) -> str:
    what = error.strerror or str(error)
    # Which file could not be written says nothing when the reason is that none can.
    return what if error.filename is None or error.errno == errno.ENOSPC else f"{error.filename}: {what}"
