"""Send requests to the host's own Consul agent over TCP, and to its engine over a Unix socket."""

import http.client
import socket
from dataclasses import dataclass

OK = 200
NOT_FOUND = 404


class NoResponseError(Exception):
    """Nothing responds at the other end; the text gives the reason."""


@dataclass(frozen=True)
class Response:
    """A response: `index` is Consul's, of the state that the body shows."""

    status: int
    body: str
    index: int = 0


class _Unix(http.client.HTTPConnection):
    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("docker", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def send(address: str, method: str, path: str, *, seconds: float, body: str | None = None, token: str = "") -> Response:
    """Send one request over a connection of its own; an address with a slash is a Unix socket's path.

    Raises:
        NoResponseError: there is no response within these seconds.
    """
    connection = _Unix(address, seconds) if "/" in address else http.client.HTTPConnection(address, timeout=seconds)
    try:
        connection.request(method, path, body, {"X-Consul-Token": token} if token else {})
        response = connection.getresponse()
        content = response.read().decode(errors="replace")
        return Response(response.status, content, int(response.getheader("X-Consul-Index") or 0))
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise NoResponseError(f"{address} does not respond: {error or type(error).__name__}") from error
    finally:
        connection.close()
