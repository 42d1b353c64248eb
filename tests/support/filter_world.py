"""The socket filter and the registrator as a deploy runs them, and what may stand behind the filter for an engine."""

import contextlib
import re
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from registrator_world import ENGINE_SOCKET, LABELS
from waiting import until

from rollcall.components import registrator, socket_filter
from rollcall.config.fleet import Fleet, Member
from rollcall.config.settings import Settings
from rollcall.lab.stand_in import container, context, put, run
from rollcall.secrets.store import Secrets

MEMBER = Member("test", "test", "127.0.0.1", frozenset(), Settings())
FLEET = Fleet("test", (MEMBER,))


def docker(*arguments: str) -> str:
    done = subprocess.run(["docker", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def log(name: str) -> str:
    done = subprocess.run(["docker", "logs", name], capture_output=True, text=True, check=True)
    return done.stdout + done.stderr


class Filter:
    """One container of the filter, with a volume of its own for its socket."""

    def __init__(
        self, name: str, image: str, folder: Path, engine: Path = ENGINE_SOCKET, member: Member = MEMBER
    ) -> None:
        self.name, self.volume = f"{name}-filter", f"{name}-filter"
        resources = socket_filter.resources(context(FLEET, member, None, socket_group=engine.stat().st_gid))
        put(resources, socket_filter.FOLDER, folder)
        mounts = {
            socket_filter.FOLDER: str(folder),
            socket_filter.ENGINE: str(engine),
            socket_filter.TARGET: self.volume,
        }
        docker("volume", "create", *(f"--label={key}={value}" for key, value in LABELS.items()), self.volume)
        self.path = Path(docker("volume", "inspect", "--format", "{{.Mountpoint}}", self.volume), socket_filter.SOCKET)
        wanted = container(resources)
        own = tuple(replace(mount, source=mounts[mount.target]) for mount in wanted.mounts)
        run(replace(wanted, name=self.name, image=image, mounts=own), LABELS)
        until(self._listens, "somebody who listens at the filter's socket")

    def _listens(self) -> bool:
        """Whether it can be connected to: nginx makes the file first, and listens after that."""
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.path)) == 0

    @property
    def uri(self) -> str:
        return f"unix://{self.path}"

    @property
    def log(self) -> str:
        return log(self.name)

    def process(self) -> int:
        return int(docker("inspect", "--format", "{{.State.Pid}}", self.name))

    def remove(self) -> None:
        docker("rm", "--force", self.name)
        docker("volume", "rm", self.volume)


@contextmanager
def filtered(name: str, image: str, folder: Path, engine: Path = ENGINE_SOCKET) -> Iterator[Filter]:
    made = Filter(name, image, folder / "filter", engine)
    try:
        yield made
    finally:
        made.remove()


class Nobody:
    """The registrator in its image, as nobody behind a filter, with its token in a file."""

    def __init__(self, name: str, image: str, folder: Path, before: Filter, secrets: Secrets, *flags: str) -> None:
        self.name = f"{name}-registrator"
        resources = registrator.resources(context(FLEET, MEMBER, secrets))
        put(resources, registrator.FOLDER, folder)
        wanted = container(resources)
        sources = {registrator.FOLDER: str(folder), registrator.ENGINE_FOLDER: before.volume}
        own = tuple(replace(mount, source=sources[mount.target]) for mount in wanted.mounts)
        run(replace(wanted, name=self.name, image=image, mounts=own, command=flags), LABELS)

    @property
    def log(self) -> str:
        return log(self.name)

    def ask(self, *words: str) -> str:
        """Run the registrator's program once more in the same container."""
        return docker("exec", self.name, "registrator", *words)

    def remove(self) -> None:
        docker("rm", "--force", self.name)


class Listener:
    """What stands where the engine's socket should: it writes down every byte, and answers as an engine would."""

    ANSWER = b"the engine answers"

    def __init__(self, path: Path) -> None:
        self.path = path
        self.received: list[bytes] = []
        self.streams: list[socket.socket] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        path.chmod(0o666)
        self._listener.listen()
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        """Be gone. A thread that waits in a socket keeps it open, so closing alone would not do."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.end_streams()

    def end_streams(self) -> None:
        for stream in self.streams:
            with contextlib.suppress(OSError):
                stream.shutdown(socket.SHUT_RDWR)

    def send_event(self, text: bytes) -> None:
        self.streams[-1].sendall(b"%x\r\n%s\r\n" % (len(text), text))

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        number = len(self.received)
        self.received.append(b"")
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        while data := client.recv(65536):
            self.received[number] += data
            if b"\r\n\r\n" not in self.received[number]:
                continue
            if re.match(rb"GET \S*/events", data):
                client.sendall(head + b"Transfer-Encoding: chunked\r\n\r\n")
                self.streams.append(client)
            else:
                client.sendall(head + b"Content-Length: %d\r\n\r\n%s" % (len(self.ANSWER), self.ANSWER))
        client.close()


def say(path: Path, *parts: bytes, until: bytes = b"", seconds: float = 0.15) -> bytes:
    """Send bytes as they are, and give what comes back: up to some words, or until it hangs up or falls silent."""
    answer = b""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(10)
        client.connect(str(path))
        try:
            for part in parts:
                client.sendall(part)
            while (data := client.recv(65536)) and not (until and until in answer + data):
                answer += data
                client.settimeout(seconds)
            answer += data
        except (TimeoutError, BrokenPipeError, ConnectionResetError):
            pass
    return answer
