"""Hold how many hosts the lab has: six, and up to fifty on request."""

from rollcall.errors import RollcallError
from rollcall.lab.layout import HOSTS, STATE, LabHost, more_hosts

LARGEST = 50
_FILE = STATE / "number_of_hosts"


def number() -> int:
    """Return how many hosts the lab has, or will have once it is up."""
    try:
        return int(_FILE.read_text())
    except (FileNotFoundError, ValueError):
        return len(HOSTS)


def hosts() -> tuple[LabHost, ...]:
    """Return every host of the lab: the six, then those that were asked for beyond them."""
    return HOSTS + more_hosts(number() - len(HOSTS))


def grow(wanted: int) -> None:
    """Let the lab have this many hosts from now on, until it is taken down.

    Raises:
        RollcallError: the number is out of range, or less than the lab has.
    """
    if not len(HOSTS) <= wanted <= LARGEST:
        raise RollcallError(f"--hosts: expected {len(HOSTS)} to {LARGEST}, got {wanted}")
    if wanted < number():
        raise RollcallError(f"--hosts: the lab has {number()} hosts; for fewer, run `rollcall lab down` first")
    _FILE.write_text(f"{wanted}\n")


def forget() -> None:
    """Let the next lab have six hosts again."""
    _FILE.unlink(missing_ok=True)
