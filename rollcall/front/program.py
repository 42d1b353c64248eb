"""The front's program: everything the container does from start to exit."""

import asyncio
import signal
import time
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from rollcall.contract.status_document import Document
from rollcall.front import paths
from rollcall.front.certificates.watch import Watch
from rollcall.front.inputs import backups, cluster, consul, control
from rollcall.front.inputs.commands import Commands
from rollcall.front.inputs.consul_template import ConsulTemplate
from rollcall.front.inputs.settings import Settings
from rollcall.front.inputs.settings import read as read_settings
from rollcall.front.log import write_line
from rollcall.front.nginx import handover, listening, open_connections
from rollcall.front.nginx.access_log import AccessLogFile
from rollcall.front.nginx.connections import connections
from rollcall.front.nginx.generation import Generations
from rollcall.front.nginx.handover import BusyError, Offer, Predecessor
from rollcall.front.nginx.ports import Ports
from rollcall.front.nginx.process import Nginx
from rollcall.front.nginx.supervisor import Orphans, keep_nginx, serves
from rollcall.front.routing.refusal import NotServedError
from rollcall.front.routing.revival import Revival
from rollcall.front.serving import Serving
from rollcall.front.status import http_server
from rollcall.front.status.document import Sight, document
from rollcall.front.status.memory import Memory
from rollcall.front.status.problems import Problems


class CannotStartError(Exception):
    """The container cannot start; the text gives the reason in one sentence."""


class Front:
    """One run of the container."""

    def __init__(self, settings: Settings, ports: Ports, rendered: asyncio.Event) -> None:
        """Prepare. `rendered` is set whenever there is a new input to apply."""
        generations = Generations(paths.STATE, paths.CONFIGURATION)
        self._settings = settings
        self._ports = ports
        self._problems = Problems()
        self._nginx = Nginx(generations.link / "nginx.conf", ports, paths.NGINX_SOCKET)
        self._consul_template = ConsulTemplate(paths.CONFIGURATION, paths.CATALOG, self._problems)
        self._generations = generations
        self._certificates = Watch()
        self._serving = Serving(self._nginx, generations, settings, self._problems, self._certificates.chosen)
        self._memory = Memory(paths.COUNTED_LOG)
        self._access_log = AccessLogFile(paths.ACCESS_LOG_FOLDER, paths.ACCESS_LOG)
        self._cluster = cluster.Followed()
        self._backups = backups.Followed()
        self._orphans = Orphans()
        self._revival = Revival()
        self._turn = asyncio.Lock()
        self._wanted = rendered
        self._begun = False
        self._started = datetime.now(UTC)
        self._connections = connections("")
        self._opened: Mapping[open_connections.Server, int] = {}
        self._status: asyncio.Server | None = None

    async def run(self, predecessor: Predecessor | None) -> int:
        """Serve until nginx exits too often or a successor serves; return the container's exit status."""
        commands = Commands(self._serving, self._consul_template, self._turn, self.document).by_name()
        async with await control.listen(paths.CONTROL_SOCKET, commands):
            # At once: its first list of many services takes as long as nginx's start, which does not need it.
            followed = asyncio.create_task(self._consul_template.keep_running())
            await self._begin(predecessor)
            offer = Offer(paths.HANDOVER_SOCKET, self._ports, self._pause, self._retire, self._resume)
            handed_over = asyncio.create_task(offer.run())
            nginx_exited = asyncio.create_task(keep_nginx(self._nginx, self._serving))
            others = map(asyncio.create_task, (*self._follow_consul(), self._watch()))
            tasks = {handed_over, nginx_exited, followed, *others}
            try:
                await _first_of({handed_over, nginx_exited}, tasks)
            finally:
                for task in tasks:
                    task.cancel()
            if not handed_over.done() or handed_over.cancelled():
                return 1
            write_line("a successor serves: finishing the open requests")
            await self.stop()
            return 0

    def _follow_consul(self) -> tuple[Coroutine[Any, Any, None], ...]:
        def address() -> str:
            return self._serving.settings.consul

        def every() -> int:
            return self._serving.settings.backups_every

        return (
            self._follow(),
            consul.poll(address, paths.TOKEN, self._problems),
            self._cluster.follow(address, paths.TOKEN),
            self._backups.follow(address, paths.TOKEN, every, self._problems),
        )

    async def _begin(self, predecessor: Predecessor | None) -> None:
        """Start nginx and wait until it serves.

        Raises:
            CannotStartError: it does not.
        """
        self._log_requests()
        try:
            # While a predecessor serves well, fail with the reason instead of falling back.
            await self._serving.begin(last_good=predecessor is None)
        except NotServedError as error:
            if predecessor:
                predecessor.decline()
            raise CannotStartError(str(error)) from error
        await self._nginx.start()
        if not await serves(self._nginx, self._serving.confirmed):
            raise CannotStartError("nginx exited during its start; stopping the container")
        self._begun = True
        if predecessor and not await predecessor.release():
            await self.stop()
            raise CannotStartError(
                f"this front did not serve within {handover.START_TIMEOUT_SECONDS:g} s; its predecessor continues"
            )
        self._serving.begun()
        await self._show()

    async def _show(self) -> None:
        if self._settings.status == "off":
            return
        try:
            self._status = await http_server.serve(self._settings.status, self.document, self._memory.series)
        except OSError as error:
            # Serving clients matters more: continue without the status page.
            address, _, port = self._settings.status.rpartition(":")
            why = listening.refusal(address, int(port), error)
            self._problems.are("hindered", [f"no status page: {why} (front.status)"], source="status")

    async def stop(self) -> None:
        """Stop consul-template at once, and nginx after its open requests."""
        self._consul_template.stop()
        self._nginx.send_signal(signal.SIGQUIT if self._begun else signal.SIGTERM)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._settings.stop_timeout):
                await self._nginx.finished()
        self._nginx.stop_all()
        await self._nginx.finished()
        await self._consul_template.wait()

    async def _follow(self) -> None:
        """Apply whenever there is a new input."""
        while True:
            await self._wanted.wait()
            await asyncio.sleep(self._serving.seconds_until_next_reload())
            async with self._turn:
                self._wanted.clear()
                with suppress(NotServedError):
                    await self._serving.apply()
                # At once, so that a request is counted for whoever had the address when it was made.
                with suppress(OSError):
                    self._remember()

    async def _watch(self) -> None:
        """Do every second what no event triggers."""
        while True:
            await asyncio.sleep(1)
            # A failure now, such as a missing file descriptor, is no loss: the next second tries again.
            with suppress(OSError):
                await self._check()

    async def _check(self) -> None:
        self._orphans.reap()
        serving = self._serving
        self._remember()
        self._connections = connections(await self._nginx.get("/status"))
        # With many sockets it takes longer than other tasks should wait.
        self._opened = await asyncio.to_thread(open_connections.count, serving.routing, serving.rendered.catalog)
        self._serving.check_old_workers()
        if not self._turn.locked():
            # Not during a handover, when the file is the successor's.
            if self._log_requests():
                self._nginx.reopen_logs()
            await self._revive()
        again = time.monotonic() >= serving.again_at
        if not self._turn.locked() and serving.served:
            again |= self._certificates.check(serving.served, self._problems)
        if again or await self._serving.retained.is_outdated(self._serving.settings.keep_lost):
            self._wanted.set()

    def _log_requests(self) -> bool:
        """Have a file for the access log; return whether nginx must open it again."""
        is_new = self._access_log.follow(self._serving.settings.access_log)
        fault = self._access_log.fault
        self._problems.are("hindered", [fault] if fault else [], source="access_log")
        return is_new

    def _remember(self) -> None:
        serving = self._serving
        self._memory.take(serving.routing, serving.catalog, serving.retained.instances, self._cluster.cluster)

    async def _revive(self) -> None:
        """Make nginx forget which instances failed, where nothing of an upstream was left and one accepts again."""
        serving, stranded = self._serving, self._memory.stranded
        now = time.monotonic()
        if await self._revival.is_due(stranded, serving.routing, serving.settings.fail_timeout, now):
            async with self._turn:
                await serving.revive()

    async def _pause(self) -> None:
        await self._turn.acquire()

    async def _resume(self) -> None:
        number = self._serving.generation.number
        write_line(f"a successor took the listening sockets and does not serve: generation {number} continues")
        with suppress(OSError):
            self._generations.make_current(number)
            self._generations.keep_only(number)
        self._turn.release()
        self._wanted.set()  # something may have changed in the meantime

    async def _retire(self) -> None:
        """Leave the volume and the status address to the successor; keep the turn."""
        self._consul_template.stop()
        if self._status:
            self._status.close()

    def document(self) -> Document:
        """Return the status document of this moment."""
        serving = self._serving
        sight = Sight(
            settings=serving.settings,
            started=self._started,
            counting_since=self._started,
            generation=serving.generation,
            catalog=serving.rendered.catalog,
            routing=serving.routing,
            consul_template_since=self._consul_template.since,
            rendered=serving.rendered.at,
            kept=serving.retained.keys,
            listed=serving.in_rotation,
            counts=self._memory.totals.counts,
            connections=self._connections,
            opened=self._opened,
            problems=self._problems.all(),
            cluster=self._cluster.cluster,
            backup=self._backups.newest,
            changes=self._memory.changes.newest(),
            certificates=self._certificates.sites,
        )
        return document(sight, datetime.now(UTC))


async def _first_of(awaited: set[asyncio.Task[None]], tasks: set[asyncio.Task[None]]) -> None:
    """Wait until one of the awaited tasks is done; raise what any of the tasks raises."""
    while not any(task.done() for task in awaited):
        done, tasks = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()


async def main(stop: asyncio.Event, rendered: asyncio.Event) -> int:
    """Run from the container's start to its stop; return its exit status.

    Args:
        stop: set when the container must stop.
        rendered: set whenever consul-template has rendered; cleared here.
    """
    ended = asyncio.create_task(stop.wait())
    try:
        front, predecessor = await _prepared(rendered)
    except CannotStartError as error:
        write_line(str(error))
        return 1
    serving = asyncio.create_task(front.run(predecessor))
    await asyncio.wait((ended, serving), return_when=asyncio.FIRST_COMPLETED)
    if serving.done():
        ended.cancel()
        try:
            return serving.result()
        except CannotStartError as error:
            write_line(str(error))
            return 1
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    await front.stop()
    return 0


async def _prepared(rendered: asyncio.Event) -> tuple[Front, Predecessor | None]:
    paths.CATALOG.parent.mkdir(parents=True, exist_ok=True)
    try:
        settings = read_settings(paths.SETTINGS.read_text())
        (paths.STATE / "temporary").mkdir(exist_ok=True)
    except (OSError, ValueError) as error:
        raise CannotStartError(f"the front cannot start: {error}") from error
    try:
        predecessor = await handover.predecessor(paths.HANDOVER_SOCKET)
    except BusyError as error:
        raise CannotStartError(str(error)) from error
    ports = Ports(predecessor.sockets if predecessor else {})
    if refused := ports.open(settings.listens):
        raise CannotStartError(next(iter(refused.values())))
    return Front(settings, ports, rendered), predecessor
