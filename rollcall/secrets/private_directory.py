"""A folder of secret files on the control machine: closed to others, each file written whole or not at all."""

import os
from pathlib import Path

from rollcall.errors import RollcallError


class ClosedFolder:
    """Files of mode 0600 in a directory of mode 0700."""

    def __init__(self, path: Path) -> None:
        """Make the folder, or check the one that is there.

        Raises:
            RollcallError: it cannot be made or read, or it or a file in it is open to others.
        """
        self.path = path
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            open_to_others = [one for one in (path, *path.iterdir()) if one.stat().st_mode & 0o077]
        except OSError as problem:
            raise RollcallError(f"{path}: the secrets' folder cannot be used: {problem.strerror}") from None
        for one in open_to_others:
            mode = "700" if one.is_dir() else "600"
            raise RollcallError(f"{one} is open to other users, and it is secret; right is: chmod {mode} {one}")

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        return (self.path / name).exists()

    def read(self, name: str) -> str:
        """Give a file's text.

        Raises:
            RollcallError: it cannot be read.
        """
        try:
            return (self.path / name).read_text(encoding="ascii")
        except FileNotFoundError:
            raise RollcallError(
                f"{self.path / name} is missing, and the running fleet knows no other; right is to restore the folder "
                "from a backup, or to remove the fleet (rollcall remove) and this folder, and to deploy again"
            ) from None
        except (OSError, UnicodeDecodeError) as problem:
            raise RollcallError(f"{self.path / name} cannot be read: {problem}") from None

    def write(self, name: str, text: str) -> None:
        """Write a file with the right mode from the first byte on."""
        file = self.path / name
        partial = file.with_name(f"{name}.partial")
        partial.unlink(missing_ok=True)
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
            opened.write(text)
        partial.replace(file)

    def keep(self, name: str, other: str) -> None:
        """Give a file a second name, unless that is taken already."""
        if not self.has(other):
            (self.path / other).hardlink_to(self.path / name)

    def rename(self, name: str, other: str) -> None:
        """Put a file in another's place, in one step."""
        (self.path / name).replace(self.path / other)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        (self.path / name).unlink(missing_ok=True)
