"""A directory of secret files on the control machine: closed to others, each file written whole or not at all."""

import errno
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rollcall.errors import RollcallError


class PrivateDirectory:
    """Files of mode 0600 in a directory of mode 0700.

    A draft keeps in memory what is written to it, until `commit` makes the directory and the files: a dry run, and a
    command that only uses secrets, leave nothing behind.
    """

    def __init__(self, path: Path, *, draft: bool = False) -> None:
        """Make the directory, or check the one that is there; a draft makes none.

        Raises:
            RollcallError: it cannot be made or read, or it or a file in it is open to others.
        """
        self.path = path
        self._drafts: dict[str, str] | None = {} if draft else None
        with self._problems(path):
            if not draft:
                self._make()
            if path.exists():
                self._check()

    @property
    def pending(self) -> bool:
        """Whether a draft holds what is not in the directory yet."""
        return bool(self._drafts)

    def check_can_commit(self) -> None:
        """See in time that a draft's files can be written.

        Raises:
            RollcallError: the directory, or where it would be made, is read-only, somebody else's, or a file.
        """
        with self._problems(self.path):
            nearest = next(one for one in (self.path, *self.path.parents) if one.exists())
            if not nearest.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "cannot be written to")

    def commit(self) -> None:
        """Write a draft's files, in the order in which they came.

        Raises:
            RollcallError: they cannot be written.
        """
        drafts, self._drafts = self._drafts or {}, None
        with self._problems(self.path):
            self._make()
        for name, text in drafts.items():
            self.write(name, text)

    def has(self, name: str) -> bool:
        """Tell whether there is such a file."""
        if self._drafts is not None and name in self._drafts:
            return True
        with self._problems(self.path):
            return (self.path / name).exists()

    def read(self, name: str) -> str:
        """Give a file's text.

        Raises:
            RollcallError: it cannot be read.
        """
        if self._drafts is not None and name in self._drafts:
            return self._drafts[name]
        file = self.path / name
        try:
            return file.read_text(encoding="ascii")
        except FileNotFoundError:
            raise RollcallError(
                f"{file}: missing, and the running fleet knows no other; restore the directory from a backup, "
                "or remove the fleet (rollcall remove) and this directory, and deploy again"
            ) from None
        except UnicodeDecodeError:
            raise RollcallError(f"{file}: got other bytes than ASCII; restore the file from a backup") from None
        except OSError as problem:
            raise self._sentence(file, problem) from None

    def write(self, name: str, text: str) -> None:
        """Write a file with the right mode from the first byte on.

        Raises:
            RollcallError: it cannot be written.
        """
        if self._drafts is not None:
            self._drafts[name] = text
            return
        file = self.path / name
        partial = file.with_name(f"{name}.partial")
        with self._problems(file):
            partial.unlink(missing_ok=True)
            try:
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as opened:
                    self._give_to_owner(opened.fileno())
                    opened.write(text)
                partial.replace(file)
            except OSError:
                # Half of a secret on a full disk helps nobody.
                partial.unlink(missing_ok=True)
                raise

    def keep(self, name: str, other: str) -> None:
        """Give a file a second name, unless that is taken already."""
        if not self.has(other):
            with self._problems(self.path / other):
                (self.path / other).hardlink_to(self.path / name)

    def rename(self, name: str, other: str) -> None:
        """Put a file in another's place, in one step."""
        with self._problems(self.path / other):
            (self.path / name).replace(self.path / other)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there."""
        with self._problems(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _check(self) -> None:
        for one in (self.path, *self.path.iterdir()):
            if one.stat().st_mode & 0o077:
                mode = "700" if one.is_dir() else "600"
                raise RollcallError(f"{one}: got a mode that opens it to other users; run: chmod {mode} {one}")

    def _give_to_owner(self, descriptor: int) -> None:
        """Let root's files in another user's directory belong to that user, who could not read them otherwise."""
        owner = self.path.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.fchown(descriptor, owner.st_uid, owner.st_gid)

    @contextmanager
    def _problems(self, path: Path) -> Iterator[None]:
        try:
            yield
        except OSError as problem:
            raise self._sentence(path, problem) from None

    def _sentence(self, path: Path, problem: OSError) -> RollcallError:
        reason = (problem.strerror or str(problem)).lower()
        return RollcallError(f"{path}: {reason}{_owner(path)}; expected secrets that {_name(os.geteuid())} can use")


def _owner(path: Path) -> str:
    """Say whose it is, where it is somebody else's."""
    for one in (path, *path.parents):
        try:
            owner = one.stat().st_uid
        except OSError:
            continue
        return "" if owner == os.geteuid() else f" ({one} belongs to {_name(owner)})"
    return ""


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
