"""Replace the file that a service reads on the host, or restore the previous one, each with one rename."""

import errno
import os
from pathlib import Path
from typing import BinaryIO

from rollcall.contract.template_settings import Template


class Destination:
    """A template's destination, with the candidate beside it and, until a change is confirmed, the previous file.

    Every method raises OSError: the disk is full, the directory is gone.
    """

    def __init__(self, template: Template) -> None:
        """Take the template's paths; touch no file yet."""
        self._template = template
        self._path = Path(template.destination)
        self._candidate = Path(template.candidate)
        self._former = Path(template.former)

    def text(self) -> str | None:
        """Return the file's text; None if it is missing or a symlink."""
        try:
            with self._opened() as file:
                return file.read().decode(encoding="utf-8", errors="surrogateescape")
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno == errno.ELOOP:
                return None
            raise

    def _opened(self) -> BinaryIO:
        # Follow no symlink: the directory's owner could point it at another user's file. Do not block on a pipe.
        return os.fdopen(os.open(self._path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK), "rb")

    def write_candidate(self, text: str) -> None:
        """Write a candidate with the file's owner and mode, so that its check reads it as the service will."""
        self._candidate.unlink(missing_ok=True)
        with self._candidate.open("x", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            self._give_rights(file.fileno())
            os.fsync(file.fileno())

    def discard_candidate(self) -> None:
        """Remove the candidate."""
        self._candidate.unlink(missing_ok=True)

    def swap(self) -> None:
        """Install the candidate. Keep the previous file until `confirm`, empty if there was none."""
        self._former.unlink(missing_ok=True)
        try:
            os.link(self._path, self._former, follow_symlinks=False)
        except FileNotFoundError:
            self._former.touch()
        self._candidate.replace(self._path)
        self._keep_names()

    def confirm(self) -> None:
        """Confirm a change, which can then no longer be undone."""
        self._former.unlink(missing_ok=True)

    def put_back(self) -> None:
        """Undo an unconfirmed change."""
        if self._former.lstat().st_size == 0:
            self._path.unlink(missing_ok=True)
            self._former.unlink()
        else:
            self._former.replace(self._path)
        self._keep_names()

    @property
    def is_open(self) -> bool:
        """Whether a change is neither confirmed nor undone."""
        return os.path.lexists(self._former)

    def mend_rights(self) -> None:
        """Give the file the owner and mode that it should have."""
        with self._opened() as file:
            found = os.fstat(file.fileno())
            if (found.st_mode & 0o7777, f"{found.st_uid}:{found.st_gid}") != (
                self._template.mode,
                self._template.owner,
            ):
                self._give_rights(file.fileno())

    def _give_rights(self, file: int) -> None:
        user, group = (int(number) for number in self._template.owner.split(":"))
        # In this order: after the chown only the new owner may change the mode.
        os.fchmod(file, self._template.mode)
        if (user, group) != (os.fstat(file).st_uid, os.fstat(file).st_gid):
            os.fchown(file, user, group)

    def _keep_names(self) -> None:
        """Sync the directory, so that a power cut does not undo a rename."""
        folder = os.open(self._path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
