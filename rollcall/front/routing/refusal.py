"""Why something is not served."""

import math
from typing import Literal

# Seconds after which what was only hindered is tried again.
HINDERED_AGAIN = 5.0

Kind = Literal["refused", "hindered", "catalog"]


class NotServedError(Exception):
    """Something is not served, and the text says why in one sentence.

    `kind` is "refused" where nginx or the program would not have it, "hindered" where it may work the next time, as
    after a full disk, and "catalog" where what is known of the services cannot be trusted. `again` is after how many
    seconds it is worth trying without anything having changed.
    """

    def __init__(self, kind: Kind, text: str, again: float = math.inf) -> None:
        """Take the kind and the sentence."""
        super().__init__(text)
        self.kind: Kind = kind
        self.again = HINDERED_AGAIN if kind == "hindered" else again
