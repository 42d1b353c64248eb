"""Backends of streams on loopback: each connection gets back what it sends, after a line that the test chose."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Echo:
    """A TCP server that greets with its name and echoes; `begun` has each connection's first line, if it reads one."""

    name: str
    listening: socket.socket
    reads_first: bool = False
    begun: list[bytes] = field(default_factory=list)

    @property
    def port(self) -> int:
        return int(self.listening.getsockname()[1])

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.listening.accept()
            except OSError:
                return
            threading.Thread(target=self._echo, args=(connection,), daemon=True).start()

    def _echo(self, connection: socket.socket) -> None:
        with connection:
            try:
                if self.reads_first:
                    self.begun.append(connection.makefile("rb").readline())
                connection.sendall(f"{self.name}\n".encode())
                while data := connection.recv(65536):
                    connection.sendall(data)
            except OSError:
                pass


@contextmanager
def echo(name: str, *, reads_first: bool = False) -> Iterator[Echo]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        one = Echo(name, listening, reads_first)
        threading.Thread(target=one.serve, daemon=True).start()
        yield one
        listening.shutdown(socket.SHUT_RDWR)


@contextmanager
def datagrams(name: str) -> Iterator[int]:
    """A UDP server that answers each datagram with its name; its port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listening:
        listening.bind(("127.0.0.1", 0))

        def serve() -> None:
            while True:
                data, client = listening.recvfrom(65536)
                if data == b"stop":
                    return
                listening.sendto(name.encode() + b" " + data, client)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        port = int(listening.getsockname()[1])
        yield port
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"stop", ("127.0.0.1", port))
        thread.join(5)


def asked(port: int, text: bytes = b"hello", seconds: float = 1.0) -> bytes:
    """Send a datagram; return the answer, b"" without one."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        client.settimeout(seconds)
        client.connect(("127.0.0.1", port))
        try:
            client.send(text)
            return client.recv(65536)
        except OSError:
            return b""


class Visitor:
    """A connection through a stream."""

    def __init__(self, port: int, first: bytes = b"") -> None:
        self.connection = socket.create_connection(("127.0.0.1", port), 5)
        if first:
            self.connection.sendall(first)
        self._file = self.connection.makefile("rb")
        self.greeting = self._file.readline().decode().strip()

    def lives(self) -> bool:
        try:
            self.connection.sendall(b"hello\n")
            return self._file.readline() == b"hello\n"
        except OSError:
            return False

    def close(self) -> None:
        self._file.close()
        self.connection.close()


def greeting(port: int, first: bytes = b"") -> str:
    """Return who answers at a port: "" if the connection is closed at once, "refused" if there is no listener."""
    try:
        visitor = Visitor(port, first)
    except ConnectionRefusedError:
        return "refused"
    except OSError:
        return ""
    try:
        return visitor.greeting
    finally:
        visitor.close()
