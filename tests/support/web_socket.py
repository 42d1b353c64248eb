"""A client of a WebSocket at the front: it sends short texts and reads short frames."""

import socket
import struct
import time

CLOSE = 8


class WebSocket:
    """A connection at which the server echoes; `closed` is the code with which it said goodbye, 0 without one."""

    def __init__(self, host: str, port: int = 8080) -> None:
        self.closed: int | None = None
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=20)
        head = f"GET / HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
        self._socket.sendall(f"{head}Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {'x' * 22}==\r\n\r\n".encode())
        self._file = self._socket.makefile("rb")
        status = self._file.readline()
        assert b" 101 " in status, status
        while self._file.readline().strip():
            pass

    def ask(self, text: str) -> str | None:
        """Send a text and give what comes back; None once the server has closed."""
        try:
            self._socket.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text.encode())
            head = self._file.read(2)
            payload = self._file.read(head[1]) if head else b""
        except OSError:
            head, payload = b"", b""
        if not head or head[0] & 0x0F == CLOSE:
            self.closed = struct.unpack("!H", payload[:2])[0] if payload else 0
            self._socket.close()
            return None
        return payload.decode()

    def lives(self) -> float:
        """Ask until the server closes; give the seconds that took."""
        started = time.monotonic()
        while self.ask("x") is not None:
            time.sleep(0.1)
        return time.monotonic() - started
