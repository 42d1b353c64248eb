"""Bound the file that nginx writes a line to for each request; without that file, let nginx write nowhere.

nginx writes to a link of this program's own, so that no fault of the file, its folder or its disk is one of nginx's
configuration: it could not reload, and the front would follow no change.
"""

import errno
import itertools
import os
from contextlib import suppress
from pathlib import Path

from rollcall.contract import access_log
from rollcall.front.inputs.settings import AccessLog

# Readable by the group of the folder, which a deploy sets; new files there belong to it.
MODE = 0o640
NOWHERE = Path("/dev/null")


class AccessLogFile:
    """The file, in a folder of the host; a predecessor or successor of this front may write to it, too.

    `fault` says in a sentence why lines are lost; "" if none are.
    """

    def __init__(self, folder: Path, link: Path) -> None:
        """Prepare. `link` is the path that nginx has in its configuration."""
        self._folder = folder
        self._path = folder / access_log.NAME
        self._link = link
        self._identity: tuple[int, int] | None = None
        self.fault = ""

    def follow(self, wanted: AccessLog | None) -> bool:
        """Make the link lead to the file, which exists then, and put it away if it is large enough.

        Returns:
            Whether nginx must open the link again: it leads to another file than at the last call.
        """
        before, self.fault = self._identity, ""
        try:
            self._identity = self._opened(wanted) if wanted else None
        except OSError as error:
            self._identity = None
            self.fault = f"no access log: {self._path}: {error.strerror}"
        self._lead_to(self._path if self._identity else NOWHERE)
        return self._identity != before

    def _opened(self, wanted: AccessLog) -> tuple[int, int]:
        found = self._create()
        if found.st_size >= wanted.size:
            try:
                put_away(self._folder, wanted.keep)
            except OSError as error:
                self.fault = f"the access log grows beyond its size: {error.strerror}"
            found = self._create()
        if os.statvfs(self._folder).f_bavail == 0:
            self.fault = f"lines of the access log are lost: {self._folder}: {os.strerror(errno.ENOSPC)}"
        return found.st_dev, found.st_ino

    def _create(self) -> os.stat_result:
        file = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        try:
            return os.fstat(file)
        finally:
            os.close(file)

    def _lead_to(self, target: Path) -> None:
        with suppress(OSError):
            if self._link.readlink() == target:
                return
        new = self._link.with_suffix(".new")
        new.unlink(missing_ok=True)
        new.symlink_to(target)
        new.replace(self._link)


def put_away(folder: Path, keep: int) -> None:
    """Rename the file, and those before it, so that `keep` are left beside a new one; the oldest go."""
    for path in folder.iterdir():
        # The oldest, and any beyond it, which a former setting left.
        number = path.name.removeprefix(f"{access_log.NAME}.")
        if number.isascii() and number.isdigit() and int(number) >= keep:
            path.unlink(missing_ok=True)
    names = [access_log.NAME, *map(access_log.kept, range(1, keep + 1))]
    for name, next_name in reversed(list(itertools.pairwise(names))):
        with suppress(FileNotFoundError):
            (folder / name).replace(folder / next_name)
