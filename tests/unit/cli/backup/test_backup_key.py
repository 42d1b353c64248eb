"""Where the key of a backup comes from; bad input is one sentence."""

import io
from pathlib import Path

import click
import pytest

from rollcall.backup.encryption import Keys, Passphrase
from rollcall.cli.backup.backup_key import KeySource
from rollcall.errors import RollcallError

KEY = "AGE-SECRET-KEY-1GQ9778VQXMMJVE8SK7J6VT8UJ4HDQAJUVSFCWCM02D8GEWQ72PVQ2Y5J33"


def file(tmp_path: Path, text: str, mode: int = 0o600) -> str:
    path = tmp_path / "key"
    path.write_text(text)
    path.chmod(mode)
    return str(path)


def test_a_passphrase_from_a_file_or_standard_input(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert KeySource(None, file(tmp_path, "open sesame\n")).read(new=True) == Passphrase("open sesame")
    monkeypatch.setattr("sys.stdin", io.StringIO("from a pipe\nmore"))
    assert KeySource(None, "-").read(new=True) == Passphrase("from a pipe")


def test_a_key_file_is_private_and_a_public_one_need_not_be(tmp_path: Path) -> None:
    own = KeySource(file(tmp_path, KEY), None).read(new=False)
    assert isinstance(own, Keys)
    with pytest.raises(RollcallError, match="opens it to other users; run: chmod 600"):
        KeySource(file(tmp_path, KEY, 0o644), None).read(new=False)
    public = KeySource(file(tmp_path, own.recipients[0], 0o644), None).read(new=True)
    assert public == Keys(own.recipients, ())


@pytest.mark.parametrize(("text", "sentence"), [("\n", "got an empty passphrase"), (None, "No such file or directory")])
def test_an_unusable_passphrase_file(tmp_path: Path, text: str | None, sentence: str) -> None:
    path = str(tmp_path / "none") if text is None else file(tmp_path, text)
    with pytest.raises(RollcallError, match=sentence):
        KeySource(None, path).read(new=True)


def test_without_a_terminal_the_options_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    with pytest.raises(RollcallError, match="no terminal for its passphrase; expected --passphrase-file FILE"):
        KeySource(None, None).read(new=True)


def test_both_are_too_many() -> None:
    with pytest.raises(click.UsageError, match="--key excludes --passphrase-file"):
        KeySource("a", "b").read(new=True)
