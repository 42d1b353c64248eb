"""The acme library's connection to the server, with what the library leaves to its user."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import requests
from acme import client, messages
from typing_extensions import override

# Without harm for certificates of six days, the shortest that Let's Encrypt has.
CLOCK_TOLERANCE = timedelta(days=1)
# A server may reject a nonce that is old or unknown (RFC 8555, 6.5); the library itself retries once.
NONCE_TRIES = 5


class ClockError(Exception):
    """This host's clock is wrong by `ahead`, negative if it is behind."""

    def __init__(self, ahead: timedelta) -> None:
        """Write the sentence."""
        days, direction = abs(ahead) / timedelta(days=1), "ahead of" if ahead > timedelta() else "behind"
        super().__init__(
            f"this host's clock is {days:.1f} days {direction} the authority's; correct it: timedatectl set-ntp true"
        )
        self.ahead = ahead


class Network(client.ClientNetwork):
    """Remembers the last Retry-After, retries rejected nonces, and compares the clocks."""

    retry_after: datetime | None = None

    @override
    def _send_request(self, method: str, url: str, *args: Any, **kwargs: Any) -> requests.Response:
        response = super()._send_request(method, url, *args, **kwargs)
        now = datetime.now(UTC)
        self.retry_after = None if response.ok else retry_time(response.headers.get("Retry-After"), now)
        ahead = clock_difference(response.headers.get("Date"), now)
        if abs(ahead) > CLOCK_TOLERANCE:
            raise ClockError(ahead)
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


def clock_difference(header: str | None, now: datetime) -> timedelta:
    """Return how far `now` is ahead of a Date header; 0 without one."""
    try:
        return now - parsedate_to_datetime(header or "").astimezone(UTC)
    except (ValueError, TypeError):
        return timedelta()


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
