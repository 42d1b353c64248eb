"""Read the key of a backup: an age key file, or a passphrase from a file, standard input or the terminal."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rollcall.errors import RollcallError

if TYPE_CHECKING:
    from rollcall.backup.encryption import Key

STDIN = "-"


def key_options(function: Callable[..., None]) -> Callable[..., None]:
    """Add the options --key and --passphrase-file to a command, as one argument `key`."""

    @wraps(function)
    def with_key(*arguments: Any, key_file: str | None, passphrase_file: str | None, **others: Any) -> None:
        function(*arguments, key=KeySource(key_file, passphrase_file), **others)

    command: Callable[..., None] = with_key
    for option in (
        click.option("--passphrase-file", metavar="FILE", help="Read the passphrase from FILE; - is standard input."),
        click.option(
            "--key", "key_file", metavar="FILE", help="An age key file; to encrypt, its public keys (age1…) suffice."
        ),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class KeySource:
    """Where the key of a backup comes from; without a file, from the terminal."""

    key_file: str | None
    passphrase_file: str | None

    def read(self, *, new: bool) -> "Key":
        """Read the key; without an option, ask for a passphrase on the terminal, twice for a new file.

        Raises:
            RollcallError: there is no terminal, or the file is unusable or open to other users.
        """
        from rollcall.backup import encryption

        if self.key_file and self.passphrase_file:
            raise click.UsageError("--key excludes --passphrase-file.")
        if self.key_file:
            keys = encryption.keys(_text(self.key_file), self.key_file)
            if keys.identities:
                _check_private(Path(self.key_file))
            return keys
        passphrase = self._passphrase(new=new).rstrip("\r\n")
        if not passphrase:
            raise RollcallError(f"{self.passphrase_file or 'passphrase'}: got an empty passphrase")
        return encryption.Passphrase(passphrase)

    def _passphrase(self, *, new: bool) -> str:
        if self.passphrase_file == STDIN:
            return sys.stdin.readline()
        if self.passphrase_file:
            text = _text(self.passphrase_file)
            _check_private(Path(self.passphrase_file))
            return text
        if sys.stdin.isatty():
            return str(click.prompt("Passphrase of the backup", hide_input=True, confirmation_prompt=new, err=True))
        raise RollcallError(
            "a backup is encrypted, and there is no terminal for its passphrase; expected --passphrase-file FILE "
            "(- for standard input) or --key FILE"
        )


def _text(file: str) -> str:
    try:
        return Path(file).read_text()
    except (OSError, UnicodeDecodeError) as problem:
        raise RollcallError(f"{file}: {getattr(problem, 'strerror', None) or problem}") from None


def _check_private(file: Path) -> None:
    if file.is_file() and file.stat().st_mode & 0o077:
        raise RollcallError(f"{file}: got a mode that opens it to other users; run: chmod 600 {file}")
