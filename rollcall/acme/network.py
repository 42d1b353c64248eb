"""The acme library's connection to the server, with what the library leaves to its user."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from acme import client, messages
from typing_extensions import override

# A server may reject a nonce that is old or unknown (RFC 8555, 6.5); the library itself retries once.
NONCE_TRIES = 5


class Network(client.ClientNetwork):
    """Remembers the last Retry-After, and retries rejected nonces."""

    retry_after: datetime | None = None

    @override
    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        response = super()._send_request(method, url, *args, **kwargs)
        self.retry_after = None if response.ok else retry_time(response.headers.get("Retry-After"), datetime.now(UTC))
        return response

    @override
    def post(self, *args: Any, **kwargs: Any) -> requests.Response:
        for _ in range(NONCE_TRIES - 1):
            try:
                return super().post(*args, **kwargs)
            except messages.Error as error:
                if error.code != "badNonce":
                    raise
        return super().post(*args, **kwargs)


def retry_time(header: str | None, now: datetime) -> datetime | None:
    """Read a Retry-After header: seconds, or a date; None without one."""
    try:
        return now + timedelta(seconds=int(header or ""))
    except (ValueError, OverflowError):
        pass
    try:
        return parsedate_to_datetime(header or "").astimezone(UTC)
    except (ValueError, TypeError):
        return None
