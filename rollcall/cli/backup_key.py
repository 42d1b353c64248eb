"""Read the key of a backup: an age key file, or a passphrase from a file, standard input or the terminal."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import click

from rollcall.errors import RollcallError

if TYPE_CHECKING:
    from rollcall.backup.encryption import Key

Function = TypeVar("Function", bound=Callable[..., None])
STDIN = "-"


def key_options(function: Function) -> Function:
    """Add the options --key and --passphrase-file to a command, as `key_file` and `passphrase_file`."""
    for option in (
        click.option("--passphrase-file", metavar="FILE", help="Read the passphrase from FILE; - is standard input."),
        click.option(
            "--key", "key_file", metavar="FILE", help="An age key file; to encrypt, its public keys (age1…) suffice."
        ),
    ):
        function = option(function)
    return function


def read_key(key_file: str | None, passphrase_file: str | None, *, new: bool) -> "Key":
    """Read the key; without an option, ask for a passphrase on the terminal, twice for a new file.

    Raises:
        RollcallError: there is no terminal, or the file is unusable or open to other users.
    """
    from rollcall.backup import encryption

    if key_file and passphrase_file:
        raise click.UsageError("--key excludes --passphrase-file.")
    if key_file:
        keys = encryption.keys(_text(key_file), key_file)
        if keys.identities:
            _check_private(Path(key_file))
        return keys
    if passphrase_file == STDIN:
        text = sys.stdin.readline()
    elif passphrase_file:
        text = _text(passphrase_file)
        _check_private(Path(passphrase_file))
    elif sys.stdin.isatty():
        text = click.prompt("Passphrase of the backup", hide_input=True, confirmation_prompt=new, err=True)
    else:
        raise RollcallError(
            "a backup is encrypted, and there is no terminal for its passphrase; expected --passphrase-file FILE "
            "(- for standard input) or --key FILE"
        )
    passphrase = text.rstrip("\r\n")
    if not passphrase:
        raise RollcallError(f"{passphrase_file or 'passphrase'}: got an empty passphrase")
    return encryption.Passphrase(passphrase)


def _text(file: str) -> str:
    try:
        return Path(file).read_text()
    except (OSError, UnicodeDecodeError) as problem:
        raise RollcallError(f"{file}: {getattr(problem, 'strerror', None) or problem}") from None


def _check_private(file: Path) -> None:
    if file.is_file() and file.stat().st_mode & 0o077:
        raise RollcallError(f"{file}: got a mode that opens it to other users; run: chmod 600 {file}")
