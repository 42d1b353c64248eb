"""Why an order failed."""

from datetime import datetime, timedelta

from rollcall.acme.log import shortened


class OrderError(Exception):
    """An order failed; the text gives the reason in one sentence.

    `not_before` is the server's Retry-After; `everything` says that it may hold for every name, `limited` that it is a
    rate limit, of this name or of all; `local` that the server was not asked, or did not respond; `no_account` that the
    server does not know the account. `clock_ahead` is how wrong this host's clock is.
    """

    def __init__(
        self,
        text: str,
        *,
        not_before: datetime | None = None,
        everything: bool = False,
        limited: bool = False,
        local: bool = False,
        no_account: bool = False,
        clock_ahead: timedelta = timedelta(),
    ) -> None:
        """Keep the reason: its beginning, since some authorities quote a whole page."""
        super().__init__(shortened(text))
        self.limited = limited
        self.clock_ahead = clock_ahead
        self.not_before = not_before
        self.everything = everything
        self.local = local
        self.no_account = no_account
