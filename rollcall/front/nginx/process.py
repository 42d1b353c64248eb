"""nginx as a process: start it on the front's sockets, signal it, request the generation it serves."""

import asyncio
import os
import re
import signal
import socket
import sys
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.http import InvalidMessageError, get
from rollcall.front.inputs.settings import Listen
from rollcall.front.nginx import listening, workers
from rollcall.front.nginx.ports import Ports, control

# For a response of a program in the same container.
RESPONSE_TIMEOUT_SECONDS = stretched(1.0)
# The counters of its connections are its longest response.
MAX_RESPONSE_BYTES = 16 * 1024
# For nginx -t, which reads some files and resolves no name.
CHECK_TIMEOUT_SECONDS = stretched(10.0)
# nginx's master logs this when it signals a worker that has exited because the front signalled it first.
_RETIRED = re.compile(rb"\[alert\] .*: sendmsg\(\) failed \(32: Broken pipe\)$")
# … and this when it does not load a configuration; "nginx: [emerg] …" before it has opened its log. A port that another
# program has it tries for 2.5 s (ngx_open_listening_sockets).
_REFUSED = re.compile(r"\[emerg\] (?:(?P<pid>[0-9]+)#[0-9]+: )?(?P<why>.*)")
_TAKEN, _STILL_TAKEN = "failed (98: ", "still could not bind()"


class Nginx:
    """The nginx that serves, always with the configuration that `configuration` points to.

    One that lacks a listening socket is replaced by another beside it; the old one finishes its connections.

    `refusal` is why it refused the configuration at its last start or reload, as it logs that; "" if it did not.
    """

    def __init__(self, configuration: Path, ports: Ports, control_socket: Path) -> None:
        """Prepare. `control_socket` is the Unix socket at which nginx responds to this program only."""
        self._configuration = configuration
        self.ports = ports
        self._answers_at = control_socket
        self._control: socket.socket | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._replaced = asyncio.Event()
        self._finishing: set[asyncio.subprocess.Process] = set()
        self._inherited: frozenset[Listen] = frozenset()
        self._logs: set[asyncio.Task[None]] = set()
        self.refusal = ""

    async def start(self) -> None:
        """Start it; the previous one has exited."""
        self._process, self._inherited = await self._started(), frozenset(self.ports.sockets)

    def inherited(self, listens: Collection[Listen]) -> bool:
        """Whether it has all of these sockets, so that a reload can serve there."""
        return self._inherited.issuperset(listens)

    def dropped(self, listens: Collection[Listen]) -> None:
        """Note that a reload closed all sockets but these."""
        self._inherited &= frozenset(listens)

    async def beside(self) -> "Successor":
        """Start another one on all of the front's sockets, beside the one that serves."""
        listens = frozenset(self.ports.sockets)
        return Successor(await self._started(), listens)

    def replace(self, successor: "Successor") -> None:
        """Let the successor be the one that serves, and the old one finish its connections."""
        if self.is_replaced_by(successor):
            return
        self._finishing = {process for process in self._finishing if process.returncode is None}
        old, self._process, self._inherited = self._process, successor.process, successor.listens
        self._replaced.set()
        if old is not None and old.returncode is None:
            self._finishing.add(old)
            with suppress(ProcessLookupError):
                os.kill(old.pid, signal.SIGQUIT)

    def is_replaced_by(self, successor: "Successor") -> bool:
        """Whether the successor is the one that serves."""
        return self._process is successor.process

    async def _started(self) -> asyncio.subprocess.Process:
        if self._control is None:
            self._control = control(self._answers_at)
        sockets = [*self.ports.sockets.values(), self._control]
        process = await asyncio.create_subprocess_exec(
            "nginx",
            "-c",
            str(self._configuration),
            env=os.environ | {"NGINX": listening.inherited(sockets)},
            pass_fds=[one.fileno() for one in sockets],
            stderr=asyncio.subprocess.PIPE,
        )
        if process.stderr:
            log = asyncio.create_task(self._copy_log(process.stderr, process.pid))
            self._logs.add(log)
            log.add_done_callback(self._logs.discard)
        return process

    async def _copy_log(self, log: asyncio.StreamReader, pid: int) -> None:
        """Copy nginx's log to standard error, without the lines that this program's own signals cause."""
        taken = ""
        # nginx's lines have at most 2,048 bytes (NGX_MAX_ERROR_STR).
        while line := await log.readline():
            if _RETIRED.search(line.rstrip()):
                continue
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()
            refused = _REFUSED.search(line.decode(errors="replace").rstrip())
            # Not what a worker fails at.
            if not refused or refused["pid"] not in (None, str(pid)):
                continue
            why = refused["why"]
            if _TAKEN in why:
                taken = why
            else:
                self.refusal = taken if why == _STILL_TAKEN else why

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def wait(self) -> int:
        """Wait for the exit of the one that serves; return its status as a shell does."""
        while self._process is not None:
            serving = self._process
            exited, replaced = asyncio.ensure_future(serving.wait()), asyncio.ensure_future(self._replaced.wait())
            try:
                await asyncio.wait({exited, replaced}, return_when=asyncio.FIRST_COMPLETED)
            finally:
                exited.cancel()
                replaced.cancel()
            if self._process is serving and serving.returncode is not None:
                return shell_status(serving.returncode)
            self._replaced.clear()
        return 0

    async def finished(self) -> None:
        """Wait until none runs, also of those that finish their connections."""
        for process in (self._process, *self._finishing):
            if process is not None:
                await process.wait()

    def stop_all(self) -> None:
        """Stop all of them at once, also those that finish their connections."""
        self.send_signal(signal.SIGTERM)
        for process in self._finishing:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGTERM)

    def reopen_logs(self) -> None:
        """Make all of them open their logs again; each first writes the lines that it has."""
        for process in (self._process, *self._finishing):
            # The signal kills one that has just begun and does not handle it yet; that one opens its logs next.
            if process is not None and process.returncode is None and workers.handles(process.pid, signal.SIGUSR1):
                workers.send_signal((process.pid,), signal.SIGUSR1)

    def send_signal(self, number: signal.Signals) -> bool:
        """Send it a signal; return False if it does not run."""
        if self._process is None or self._process.returncode is not None:
            return False
        # The process's own method would reap it, and hide the exit from `wait`.
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)
            return True
        return False

    async def serves(self, number: int) -> bool:
        """Whether a worker of this generation responds."""
        return await self.get("/generation") == f"{number}\n"

    async def get(self, path: str) -> str:
        """Return nginx's response at its socket inside the container; "" without one."""
        try:
            async with asyncio.timeout(RESPONSE_TIMEOUT_SECONDS):
                return await self._get(path)
        except (OSError, InvalidMessageError):
            return ""

    async def _get(self, path: str) -> str:
        reader, writer = await asyncio.open_unix_connection(self._answers_at)
        try:
            response = await get(reader, writer, path, {"Host": "localhost"}, MAX_RESPONSE_BYTES)
            return response.body.decode() if response.status == HTTPStatus.OK else ""
        finally:
            writer.close()


@dataclass(frozen=True)
class Successor:
    """Another nginx, beside the one that serves until this one does; `listens` are its sockets."""

    process: asyncio.subprocess.Process
    listens: frozenset[Listen]

    async def stop(self) -> None:
        """Stop it: the old one stays."""
        if self.process.returncode is None:
            with suppress(ProcessLookupError):
                os.kill(self.process.pid, signal.SIGTERM)
        await self.process.wait()


async def complaint(configuration: Path) -> str:
    """Check a configuration with nginx; return its error, or "".

    Raises:
        OSError: the check itself failed.
    """
    checking = await asyncio.create_subprocess_exec(
        "nginx",
        "-t",
        "-q",
        "-c",
        str(configuration),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(CHECK_TIMEOUT_SECONDS):
            output, _ = await checking.communicate()
    except TimeoutError:
        checking.kill()
        await checking.wait()
        raise TimeoutError(f"nginx -t did not finish within {CHECK_TIMEOUT_SECONDS:g} s") from None
    if checking.returncode == 0:
        return ""
    if checking.returncode is not None and checking.returncode < 0:
        # The kernel kills processes when memory is full.
        raise ChildProcessError(f"signal {-checking.returncode} killed nginx -t")
    return output.decode(errors="replace").strip() or f"nginx -t exited with status {checking.returncode}"


def shell_status(returncode: int) -> int:
    """Return a process's exit status as a shell does: 128 plus the signal's number after a signal."""
    return returncode if returncode >= 0 else 128 - returncode
