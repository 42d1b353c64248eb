"""nginx as a process: start it on the front's sockets, signal it, request the generation it serves."""

import asyncio
import os
import re
import signal
import sys
from contextlib import suppress
from http import HTTPStatus
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.http import InvalidMessageError, get
from rollcall.front.nginx import listening
from rollcall.front.nginx.listening import Sockets

# For a response of a program in the same container.
RESPONSE_TIMEOUT_SECONDS = stretched(1.0)
# The counters of its connections are its longest response.
MAX_RESPONSE_BYTES = 16 * 1024
# For nginx -t, which reads some files and resolves no name.
CHECK_TIMEOUT_SECONDS = stretched(10.0)
# nginx's master logs this when it signals a worker that has exited because the front signalled it first.
_RETIRED = re.compile(rb"\[alert\] .*: sendmsg\(\) failed \(32: Broken pipe\)$")


class Nginx:
    """One nginx at a time, always with the configuration that `configuration` points to."""

    def __init__(self, configuration: Path, sockets: Sockets, control_socket: Path) -> None:
        """Prepare. `control_socket` is the Unix socket at which nginx responds to this program only."""
        self._configuration = configuration
        self._sockets = sockets
        self._answers_at = control_socket
        self._process: asyncio.subprocess.Process | None = None
        self._logs: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start it; the previous one has exited."""
        # A killed nginx leaves its socket behind, and the next one could not listen there.
        self._answers_at.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            "nginx",
            "-c",
            str(self._configuration),
            env=os.environ | {"NGINX": listening.inherited(self._sockets)},
            pass_fds=[listening.fileno() for listening in self._sockets.values()],
            stderr=asyncio.subprocess.PIPE,
        )
        if self._process.stderr:
            log = asyncio.create_task(_copy_log(self._process.stderr))
            self._logs.add(log)
            log.add_done_callback(self._logs.discard)

    @property
    def running(self) -> bool:
        """Whether it runs."""
        return self._process is not None and self._process.returncode is None

    async def wait(self) -> int:
        """Wait for its exit; return its status as a shell does."""
        return shell_status(await self._process.wait()) if self._process else 0

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


async def _copy_log(log: asyncio.StreamReader) -> None:
    """Copy nginx's log to standard error, without the lines that this program's own signals cause."""
    # nginx's lines have at most 2,048 bytes (NGX_MAX_ERROR_STR).
    while line := await log.readline():
        if not _RETIRED.search(line.rstrip()):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


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
