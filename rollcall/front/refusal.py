"""Why something is not served."""

from typing import Literal

Kind = Literal["refused", "hindered", "catalog"]


class NotServedError(Exception):
    """Something is not served, and the text says why in one sentence.

    `kind` is "refused" where nginx or the program would not have it, "hindered" where it may work the next time, as
    after a full disk, and "catalog" where what is known of the services cannot be trusted.
    """

    def __init__(self, kind: Kind, text: str) -> None:
        """Take the kind and the sentence."""
        super().__init__(text)
        self.kind: Kind = kind
