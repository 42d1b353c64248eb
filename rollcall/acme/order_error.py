"""Why an order failed."""

from datetime import datetime

from rollcall.acme.log import shortened


class OrderError(Exception):
    """An order failed; the text gives the reason in one sentence.

    `not_before` is the server's Retry-After; `everything` says that it may hold for every name, `limited` that it is a
    rate limit, of this name or of all; `local` that the server was not asked, or did not respond; `no_account` that the
    server does not know the account; `wrong_clock` that this host's clock is wrong.
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
        wrong_clock: bool = False,
    ) -> None:
        """Keep the reason: its beginning, since some authorities quote a whole page."""
        super().__init__(shortened(text))
        self.limited = limited
        self.wrong_clock = wrong_clock
        self.not_before = not_before
        self.everything = everything
        self.local = local
        self.no_account = no_account
