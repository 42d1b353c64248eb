"""nginx as a process: started on the sockets of the front, told of a new configuration, asked which one it serves."""

import asyncio
import os
import re
import signal
import sys
from contextlib import suppress
from pathlib import Path

from rollcall.contract.timeouts import stretched
from rollcall.front.nginx import listening
from rollcall.front.nginx.listening import Sockets

# Seconds for an answer of a program that sits beside this one.
ANSWER = stretched(1.0)
# Seconds for a check, which reads some files and resolves no name.
CHECK = stretched(10.0)
# What nginx's master says when it tells a worker to end that the front had told before it did: it has ended already.
_RETIRED = re.compile(rb"\[alert\] .*: sendmsg\(\) failed \(32: Broken pipe\)$")


class Nginx:
    """One nginx at a time, always on the configuration that `configuration` leads to."""

    def __init__(self, configuration: Path, sockets: Sockets, answers_at: Path) -> None:
        """Start nothing yet. `answers_at` is the socket at which it answers this program alone."""
        self._configuration = configuration
        self._sockets = sockets
        self._answers_at = answers_at
        self._process: asyncio.subprocess.Process | None = None
        self._logs: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Start it. The one before is not running any more."""
        # One that was killed leaves it behind, and the next could not listen there.
        self._answers_at.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            "nginx",
            "-c",
            str(self._configuration),
            env=os.environ | {"NGINX": listening.inherited(self._sockets)},
            pass_fds=[one.fileno() for one in self._sockets.values()],
            stderr=asyncio.subprocess.PIPE,
        )
        if self._process.stderr:
            log = asyncio.create_task(_pass_on(self._process.stderr))
            self._logs.add(log)
            log.add_done_callback(self._logs.discard)

    @property
    def running(self) -> bool:
        """Whether there is a process that has not ended."""
        return self._process is not None and self._process.returncode is None

    async def ended(self) -> int:
        """Wait for its end; gives its status, as a shell counts it."""
        return shell_status(await self._process.wait()) if self._process else 0

    def tell(self, number: signal.Signals) -> bool:
        """Send it a signal; False where there is nobody to take it."""
        if self._process is None or self._process.returncode is not None:
            return False
        # Not the process's own method, which would take note of its end, and keep it from whoever waits for that.
        with suppress(ProcessLookupError):
            os.kill(self._process.pid, number)
            return True
        return False

    async def serves(self, number: int) -> bool:
        """Whether the worker that answers is one of this generation."""
        return await self.ask("/generation") == f"{number}\n"

    async def ask(self, path: str) -> str:
        """Give what nginx answers at its socket inside the container; nothing where it does not."""
        try:
            async with asyncio.timeout(ANSWER):
                return await self._asked(path)
        except OSError:
            return ""

    async def _asked(self, path: str) -> str:
        reader, writer = await asyncio.open_unix_connection(self._answers_at)
        try:
            writer.write(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            head, _, body = (await reader.read()).decode().partition("\r\n\r\n")
            return body if " 200 " in head.partition("\r\n")[0] else ""
        finally:
            writer.close()


async def _pass_on(log: asyncio.StreamReader) -> None:
    """Write what nginx says where everything of the container is said, but for what it has from this program."""
    # nginx's own lines have at most 2,048 bytes (NGX_MAX_ERROR_STR).
    while line := await log.readline():
        if not _RETIRED.search(line.rstrip()):
            sys.stderr.buffer.write(line)
            sys.stderr.buffer.flush()


async def complaint(configuration: Path) -> str:
    """Give what nginx has to say against a configuration; nothing where it would take it.

    Raises:
        OSError: it came to no verdict.
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
        async with asyncio.timeout(CHECK):
            output, _ = await checking.communicate()
    except TimeoutError:
        checking.kill()
        await checking.wait()
        raise TimeoutError(f"nginx's check has not ended for {CHECK:g} s") from None
    if checking.returncode == 0:
        return ""
    if checking.returncode is not None and checking.returncode < 0:
        # The kernel does this where memory is full.
        raise ChildProcessError(f"nginx's check was ended by signal {-checking.returncode}")
    return output.decode(errors="replace").strip() or f"its check ended with status {checking.returncode}"


def shell_status(returncode: int) -> int:
    """Give the status of a process as a shell shows it: 128 and the signal's number for one that a signal ended."""
    return returncode if returncode >= 0 else 128 - returncode
