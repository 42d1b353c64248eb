"""The reasons why nginx does not serve a change."""

import math
from typing import Literal

HINDERED_RETRY_SECONDS = 5.0

Kind = Literal["refused", "hindered", "catalog"]


class NotServedError(Exception):
    """nginx does not serve a change; the text gives the reason in one sentence.

    `kind` is "refused" if nginx or the program rejects the change, "hindered" if a retry may work, as after a full
    disk, and "catalog" if the catalog cannot be trusted. `again` is the number of seconds until a retry.
    """

    def __init__(self, kind: Kind, text: str, again: float = math.inf) -> None:
        """Take the kind and the sentence."""
        super().__init__(text)
        self.kind: Kind = kind
        self.again = HINDERED_RETRY_SECONDS if kind == "hindered" else again
