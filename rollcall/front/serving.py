"""From the inputs to what nginx serves: a change that nginx refuses leaves the last good configuration in place."""

import math
import signal
import time
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from types import MappingProxyType

from rollcall.front import generation_files
from rollcall.front.inputs import mounted
from rollcall.front.inputs.catalog import Catalog, Instance
from rollcall.front.inputs.mounted import NOTHING, Rendered
from rollcall.front.inputs.settings import Listen, Settings
from rollcall.front.log import write_line
from rollcall.front.nginx import process
from rollcall.front.nginx.generation import Contents, Generations
from rollcall.front.nginx.old_workers import OldWorkers
from rollcall.front.nginx.process import Nginx
from rollcall.front.nginx.reload import CONFIRM_TIMEOUT_SECONDS, Reloader
from rollcall.front.routing import rotation
from rollcall.front.routing.candidate import Candidate, Choose, read_retained, retained_text, routed
from rollcall.front.routing.model import Routing
from rollcall.front.routing.refusal import NotServedError
from rollcall.front.routing.retained import RetainedInstances
from rollcall.front.routing.rotation import Rotation
from rollcall.front.routing.streams import Refused
from rollcall.front.status import findings
from rollcall.front.status.document import Generation
from rollcall.front.status.problems import Problems

# An unconfirmed reload is tried again after this: the machine may only have been too busy.
UNCONFIRMED_RETRY_SECONDS = 30.0
# A port that another program has is tried again after this.
TAKEN_PORT_RETRY_SECONDS = 10.0


class Serving:
    """What nginx serves, and how that changes. The caller makes sure that one call runs at a time.

    `in_rotation` has the time since when nginx passes requests to an instance.
    """

    def __init__(
        self,
        server: Nginx,
        generations: Generations,
        settings: Settings,
        problems: Problems,
        choose: Choose,
    ) -> None:
        """Prepare; `begin` does the work. `settings` are those of the start; `choose` chooses sites' certificates."""
        self._choose = choose
        self._ports = server.ports
        self._nginx = server
        self._generations = generations
        self.problems = problems
        self.retained = RetainedInstances(problems)
        self._old_workers = OldWorkers()
        self._reloader = Reloader(server)
        self.rendered = NOTHING
        self.settings = settings
        self.served: Candidate | None = None
        self.in_rotation: Rotation = {}
        self.generation = Generation(0, datetime.now(UTC))
        # When to apply again without a new input (time.monotonic).
        self.again_at = math.inf
        self._taken = False
        # Why streams of group_data are not served: another program has the port.
        self.refused: tuple[str, ...] = ()

    @property
    def routing(self) -> Routing:
        """Return what nginx serves; nothing before its start."""
        return self.served.routing if self.served else Routing((), ())

    @property
    def catalog(self) -> Catalog:
        """Return the catalog that the routing was made of."""
        return self.served.catalog if self.served else NOTHING.catalog

    async def confirmed(self) -> bool:
        """Whether nginx responds with the generation that was confirmed last."""
        return await self._nginx.serves(self.generation.number)

    async def begin(self, *, last_good: bool) -> None:
        """Choose the generation to start nginx with.

        The first choice is the last good instances with the configuration as it is now; then, where `last_good` allows
        it, the last good generation as it was; then no instances.

        Raises:
            NotServedError: nginx refuses the choice.
        """
        contents = self._generations.contents(self._generations.current())
        if contents is None:
            await self._begin_with(NOTHING)
            return
        self.retained.instances = read_retained(contents.kept)
        rendered = mounted.rendered_before(contents.catalog)
        try:
            await self._begin_with(rendered)
        except NotServedError as error:
            if not last_good:
                raise
            self._note(error)
            await self._begin_as_it_was(rendered)

    def _candidate(self, settings: Settings, catalog: Catalog, refused: Refused = MappingProxyType({})) -> Candidate:
        return mounted.wanted(settings, catalog, self.retained.instances, self._choose, refused)

    def _with_ports(self, settings: Settings, catalog: Catalog) -> Candidate:
        """Return the candidate with a socket for each port; a stream whose port another program has is left out.

        Raises:
            NotServedError: another program has a port of HTTP.
        """
        wanted = self._candidate(settings, catalog)
        refused = self._ports.open(sorted(wanted.listens))
        if http := [refused[listen] for listen in settings.listens if listen in refused]:
            raise NotServedError("refused", http[0], again=TAKEN_PORT_RETRY_SECONDS)
        self._taken = bool(refused)
        declared = {(place.port, place.transport) for stream in settings.streams for place in stream.places}
        self.refused = tuple(why for listen, why in refused.items() if listen[1:] in declared)
        return self._candidate(settings, catalog, refused) if refused else wanted

    async def _begin_with(self, rendered: Rendered) -> None:
        new = self._generations.current() + 1
        wanted = self._with_ports(mounted.settings(), rendered.catalog)
        self._complain(wanted)
        self._write(new, wanted, rendered.text)
        await generation_files.check(self._generations, new, f"nginx refuses to start with generation {new}")
        generation_files.make_current(self._generations, new)
        self.rendered = rendered
        self._is_served(wanted, new)

    async def _begin_as_it_was(self, rendered: Rendered) -> None:
        number = self._generations.current()
        complaint = ""
        with suppress(OSError):
            # Without a result of the check, assume that it is as good as before.
            complaint = await process.complaint(self._generations.directory(number) / "nginx.conf")
        if complaint:
            # Clients then at least get a 502, if the configuration without instances is good.
            self.retained.instances = ()
            await self._begin_with(NOTHING)
            return
        self.rendered = rendered
        self.generation = replace(self.generation, number=number)
        # Only the present files can describe what it serves.
        with suppress(NotServedError):
            wanted = self._with_ports(mounted.settings(), rendered.catalog)
            self._is_served(wanted, number)

    def begun(self) -> None:
        """Record that nginx serves the chosen generation."""
        self._generations.keep_only(self.generation.number)
        if self.served:
            self._ports.keep_only(self.served.listens)
        write_line(f"generation {self.generation.number} serves {len(self.in_rotation)} instances")

    async def apply(self) -> str:
        """Make nginx serve the mounted files as they are now, and the catalog as it was rendered last.

        Raises:
            NotServedError: it does not; the last good configuration stays.
        """
        try:
            summary = await self._apply()
        except NotServedError as error:
            self._note(error)
            raise
        except OSError as error:
            # Out of memory or descriptors: nginx continues with what it serves.
            hindered = NotServedError("hindered", f"cannot apply a change: {generation_files.reason(error)}")
            self._note(hindered)
            raise hindered from error
        self._note(None)
        return summary

    def _note(self, error: NotServedError | None) -> None:
        """Record why the last change is not served, or that it is."""
        if error is not None and self.served:
            # At a port of that change alone nobody would accept.
            self._ports.keep_only(self.served.listens)
        again = error.again if error is not None else TAKEN_PORT_RETRY_SECONDS if self._taken else math.inf
        self.again_at = time.monotonic() + again
        if error is not None and error.kind == "catalog":
            self.problems.are(error.kind, [str(error)])
            return
        for kind in ("refused", "hindered"):
            self.problems.are(kind, [str(error)] if error is not None and error.kind == kind else [])

    def preview(self, text: str) -> str:
        """Return the sites.conf and streams.conf that nginx would serve for a rendered catalog.

        Raises:
            NotServedError: the catalog or the mounted files cannot be read.
        """
        wanted = self._candidate(mounted.settings(), mounted.catalog_of(text))
        return wanted.sites + (f"\n{wanted.streams}" if wanted.routing.streams else "")

    async def _apply(self) -> str:
        rendered = self._last_rendered()
        settings = mounted.settings()
        await self.retained.update(self._routed(), rendered.catalog, settings.keep_lost)
        self.rendered = rendered
        wanted = self._with_ports(settings, rendered.catalog)
        self._complain(wanted)
        old = self._generations.current()
        new = old + 1
        self._write(new, wanted, rendered.text)
        difference = self._generations.difference(new, old)
        if difference == "nothing" and await self._nginx.serves(old):
            self._generations.remove(new)
            self._is_served(wanted, old)
            return f"generation {old} serves this already"
        # Other servers alone are what happens all day, and of many sites a check takes as long as the reload.
        if difference != "servers":
            await generation_files.check(self._generations, new, f"nginx refuses generation {new}, {old} stays")
        await self._swap(old, new, wanted.listens)
        self._is_served(wanted, new)
        self.check_old_workers()
        summary = f"generation {new} serves {len(self.in_rotation)} instances"
        write_line(summary)
        return summary

    def _last_rendered(self) -> Rendered:
        """Return what consul-template rendered last, or the catalog before it while it has rendered nothing."""
        rendered = mounted.rendered()
        if rendered is None:
            return self.rendered
        if not rendered.catalog.readable:
            stays = f"so generation {self.generation.number} stays; check that the front's token may read services"
            raise NotServedError("catalog", f"Consul returned an empty catalog without its own service, {stays}")
        self.problems.are("catalog", [])
        return rendered

    def _routed(self) -> list[Instance]:
        """Return the instances that get requests, by the last catalog."""
        services = {server.instance.service for upstream in self.routing.every_upstream for server in upstream.servers}
        return [instance for instance in routed(self.rendered.catalog) if instance.service in services]

    def _complain(self, wanted: Candidate) -> None:
        for kind in ("conflict", "metadata", "canary", "maintenance", "stream", "port"):
            texts = [complaint.text for complaint in wanted.routing.complaints if complaint.kind == kind]
            self.problems.are(kind, texts + (list(wanted.catalog.complaints) if kind == "metadata" else []))

    def _write(self, number: int, wanted: Candidate, catalog: str) -> None:
        contents = Contents(wanted.sites, wanted.streams, catalog, retained_text(wanted.retained))
        generation_files.write(self._generations, number, contents)

    def seconds_until_next_reload(self) -> float:
        """Return how long to wait before the next change."""
        return self._reloader.seconds_until_next()

    async def _swap(self, old: int, new: int, listens: frozenset[Listen]) -> None:
        generation_files.make_current(self._generations, new)
        started = time.monotonic()
        outcome = await self._reloader.reload(new, listens)
        if outcome == "not running":
            generation_files.make_current(self._generations, old)
            raise NotServedError("hindered", f"cannot reload nginx with generation {new}: nginx is starting")
        if outcome == "unconfirmed":
            generation_files.make_current(self._generations, old)
            # Whatever became of the new generation, nginx must serve the current one.
            self._nginx.send_signal(signal.SIGHUP)
            self._generations.remove(new)
            if why := self._nginx.refusal:
                text = f"nginx did not serve generation {new}, {old} stays: {why}"
                raise NotServedError(generation_files.kind(why), text, again=UNCONFIRMED_RETRY_SECONDS)
            raise NotServedError(
                "refused",
                f"nginx did not serve generation {new} within {CONFIRM_TIMEOUT_SECONDS:g} s, {old} stays; "
                "see nginx's own log for the reason",
                again=UNCONFIRMED_RETRY_SECONDS,
            )
        self._generations.keep_only(new)
        self._ports.keep_only(listens)
        took = time.monotonic() - started
        self.generation = replace(
            self.generation, reloads=self.generation.reloads + 1, last_reload_seconds=round(took, 3)
        )

    async def revive(self) -> None:
        """Make nginx forget which instances failed, by a reload of what it serves."""
        if self.served and await self._reloader.reload(self.generation.number, self.served.listens) == "confirmed":
            write_line("instances accept connections again: nginx forgets that they failed")

    def _is_served(self, wanted: Candidate, number: int) -> None:
        now = datetime.now(UTC)
        self.served, self.settings = wanted, wanted.settings
        self.in_rotation = rotation.following(self.in_rotation, wanted.routing, now)
        self.problems.found_by("what is served", findings.of_catalog(wanted.routing, wanted.catalog))
        if number != self.generation.number:
            self.generation = replace(self.generation, number=number, since=now)

    def check_old_workers(self) -> None:
        """Count the generations whose workers still have connections, and stop the oldest beyond the limit."""
        self._old_workers.update(self.generation.number)
        most = self.settings.old_generations
        if self._old_workers.stop_beyond(most):
            write_line(f"more than {most} earlier generations had connections left: stopped the oldest")
        self.generation = replace(self.generation, old=self._old_workers.generations)
