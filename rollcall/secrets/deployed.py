"""The secrets a fleet was deployed with, for commands that only use them: a folder that is missing stays missing."""

from pathlib import Path
from typing import TYPE_CHECKING

from rollcall.config.fleet import Fleet
from rollcall.errors import RollcallError

if TYPE_CHECKING:
    from rollcall.secrets.store import Secrets


def kept(source: str, project: Path, fleet: Fleet, command: str) -> "Secrets":
    """Read the secrets of a deployed fleet.

    Args:
        source: the inventory as the user typed it.
        project: the folder that holds .secrets/.
        fleet: its hosts.
        command: what needs the secrets, for the error sentence.

    Raises:
        RollcallError: they are not here, or the folder cannot be used.
    """
    # cryptography is slow to import; a command line that is wrong need not wait for it.
    from rollcall.secrets.store import IDENTITY, folder_of, load

    folder = folder_of(project, fleet)
    if not (folder / IDENTITY).is_file():
        raise RollcallError(
            f"{command} needs the secrets that {source} was deployed with, and {folder} has none; right is "
            f"the checkout it was deployed from, or to deploy it first (rollcall deploy {source})"
        )
    return load(folder, fleet)
