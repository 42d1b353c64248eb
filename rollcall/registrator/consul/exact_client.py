"""py-consul, sending each path exactly as it is given.

py-consul encodes a path once more, requests decodes what it holds to be harmless, and urllib3 walks it: each of them
would turn one service's id into another's.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import consul
import requests
from consul.std import HTTPClient


class ExactPaths(HTTPClient):  # type: ignore[misc]
    """Requests to one agent. Paths are encoded by whoever makes them; no redirect is followed to another."""

    def get(
        self,
        callback: Callable[[Any], Any],
        path: str,
        params: Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        raw: bool = False,
    ) -> Any:
        """Read."""
        return callback(self.response(self._send("GET", path, params, headers), raw=raw))

    def put(
        self,
        callback: Callable[[Any], Any],
        path: str,
        params: Sequence[tuple[str, Any]] | None = None,
        data: str | bytes = "",
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """Write."""
        return callback(self.response(self._send("PUT", path, params, headers, data)))

    def _send(
        self,
        method: str,
        path: str,
        params: Sequence[tuple[str, Any]] | None,
        headers: Mapping[str, str] | None,
        data: str | bytes = "",
    ) -> requests.Response:
        request = self.session.prepare_request(requests.Request(method, self.base_uri, headers=headers, data=data))
        request.url = f"{self.base_uri}{path}{f'?{urlencode(params)}' if params else ''}"
        answer: requests.Response = self.session.send(
            request, verify=self.verify, cert=self.cert, timeout=self.timeout(params), allow_redirects=False
        )
        if answer.is_redirect:
            raise consul.ConsulException(f"{answer.status_code} redirects {path} to {answer.headers['Location']}")
        return answer


class ExactConsul(consul.Consul):  # type: ignore[misc]
    """py-consul's client over such requests."""

    def http_connect(
        self, host: str, port: int, scheme: str, verify: bool | str = True, cert: Any = None
    ) -> ExactPaths:
        """Make them."""
        return ExactPaths(host, port, scheme, verify, cert, connections_timeout=self.connections_timeout)
