"""Tell one fleet's secrets from another's, and older copies from later ones."""

import json
from dataclasses import dataclass

from rollcall.errors import RollcallError

IDENTITY = "fleet.json"
# Every host has a copy: a deploy with the secrets of another fleet must not touch the host.
ON_HOSTS = "/etc/rollcall/fleet.json"


@dataclass(frozen=True)
class Identity:
    """The fleet's id and its number of rotations; hosts store them to distinguish this folder from another."""

    fleet: str
    rotations: int

    def __str__(self) -> str:
        """Return the text that is stored here and on every host. It is not secret."""
        return json.dumps({"fleet": self.fleet, "rotations": self.rotations}) + "\n"

    @classmethod
    def read(cls, text: str) -> "Identity":
        """Parse that text. Raises ValueError: it is malformed."""
        try:
            found = json.loads(text)
            return cls(str(found["fleet"]), int(found["rotations"]))
        except (KeyError, TypeError) as problem:
            raise ValueError(f"{problem} is missing") from None


def check_identity(host: str, found: str, ours: Identity) -> None:
    """Compare a host's identity with that of the folder to deploy; a new host has none.

    Raises:
        RollcallError: the host belongs to another fleet, or this folder is older than the host's secrets.
    """
    try:
        theirs = Identity.read(found) if found.strip() else ours
    except ValueError:
        return  # edited by hand; the deploy corrects it
    if theirs.fleet != ours.fleet:
        raise RollcallError(
            f"{host} was deployed with other secrets than these (its fleet is {theirs.fleet}, not {ours.fleet}); "
            "restore the folder .secrets/ that it was deployed from, or run `rollcall remove INVENTORY` to start over"
        )
    if theirs.rotations > ours.rotations:
        raise RollcallError(
            f"{host} has secrets that were rotated {theirs.rotations} times, those here {ours.rotations} times; "
            "restore a later copy of the folder .secrets/, or run `rollcall remove INVENTORY` to start over"
        )
