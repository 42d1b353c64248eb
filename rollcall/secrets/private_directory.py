"""Store secret files in a private directory on the control machine; each file is written whole or not at all."""

import errno
import os
import pwd
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rollcall.errors import RollcallError

_PARTIAL = ".partial"


def complete_files(folder: Path, pattern: str = "*") -> list[Path]:
    """Return the files below a private directory, in order, without one that a killed command left half-written."""
    return sorted(file for file in folder.glob(pattern) if not file.name.endswith(_PARTIAL))


class PrivateDirectory:
    """Files of mode 0600 in a directory of mode 0700.

    A draft keeps new files in memory until `commit` creates the directory and writes them: a dry run, and a command
    that only uses secrets, leave nothing behind.
    """

    def __init__(self, path: Path, *, draft: bool = False) -> None:
        """Create the directory or check the existing one; a draft creates none.

        Raises:
            RollcallError: it cannot be created or read, or it or a file in it is open to other users.
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
        """Whether a draft holds files that are not in the directory yet."""
        return bool(self._drafts)

    def check_can_commit(self) -> None:
        """Check before any change that a draft's files can be written.

        Raises:
            RollcallError: the directory or its parent is read-only, another user's, or a file.
        """
        with self._problems(self.path):
            nearest = next(path for path in (self.path, *self.path.parents) if path.exists())
            if not nearest.is_dir():
                raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR))
            if not os.access(nearest, os.W_OK | os.X_OK):
                raise PermissionError(errno.EACCES, "cannot be written to")

    def commit(self) -> None:
        """Write a draft's files in their order of creation.

        Raises:
            RollcallError: they cannot be written.
        """
        drafts, self._drafts = self._drafts or {}, None
        with self._problems(self.path):
            self._make()
        for name, text in drafts.items():
            self.write(name, text)

    def has(self, name: str) -> bool:
        """Return whether the file exists."""
        if self._drafts is not None and name in self._drafts:
            return True
        with self._problems(self.path):
            return (self.path / name).exists()

    def read(self, name: str, encoding: str = "ascii") -> str:
        """Return a file's text, its line ends as they are.

        Raises:
            RollcallError: it cannot be read.
        """
        if self._drafts is not None and name in self._drafts:
            return self._drafts[name]
        file = self.path / name
        try:
            return file.read_bytes().decode(encoding)
        except FileNotFoundError:
            raise RollcallError(
                f"{file}: missing, and the running fleet uses it; restore the directory from a backup, "
                "or remove the fleet (rollcall remove) and this directory, and deploy again"
            ) from None
        except UnicodeDecodeError:
            raise RollcallError(
                f"{file}: got bytes that are not {encoding.upper()}; restore the file from a backup"
            ) from None
        except OSError as problem:
            raise self._sentence(file, problem) from None

    def write(self, name: str, text: str) -> None:
        """Write a file, private from its first byte.

        Raises:
            RollcallError: it cannot be written.
        """
        if self._drafts is not None:
            self._drafts[name] = text
            return
        file = self.path / name
        partial = file.with_name(f"{name}{_PARTIAL}")
        with self._problems(file):
            partial.unlink(missing_ok=True)
            try:
                with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
                    self._give_to_owner(opened.fileno())
                    opened.write(text.encode())
                partial.replace(file)
            except OSError:
                # The disk is full: remove the incomplete secret.
                partial.unlink(missing_ok=True)
                raise

    def keep(self, name: str, other: str) -> None:
        """Give a file a second name, unless that name exists."""
        if not self.has(other):
            with self._problems(self.path / other):
                (self.path / other).hardlink_to(self.path / name)

    def rename(self, name: str, other: str) -> None:
        """Replace another file with this one atomically."""
        with self._problems(self.path / other):
            (self.path / name).replace(self.path / other)

    def remove(self, name: str) -> None:
        """Remove a file if it exists."""
        with self._problems(self.path / name):
            (self.path / name).unlink(missing_ok=True)

    def _make(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _check(self) -> None:
        for path in (self.path, *self.path.iterdir()):
            if path.stat().st_mode & 0o077:
                mode = "700" if path.is_dir() else "600"
                raise RollcallError(f"{path}: got a mode that opens it to other users; run: chmod {mode} {path}")

    def _give_to_owner(self, descriptor: int) -> None:
        """Give files that root writes to the directory's owner, who could not read them otherwise."""
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
    """Return a note about the owner, if that is another user."""
    for existing in (path, *path.parents):
        try:
            owner = existing.stat().st_uid
        except OSError:
            continue
        return "" if owner == os.geteuid() else f" ({existing} belongs to {_name(owner)})"
    return ""


def _name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"user {user}"
