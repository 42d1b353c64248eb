"""Read and write the files that the front shares with this program, and its own copies of what Consul has."""

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from rollcall.contract import acme_files
from rollcall.contract.acme_files import NameState, replace_file


class Volume:
    """The volume. `SEALED/NAME` holds a certificate as Consul has it, encrypted."""

    def __init__(self, folder: Path = acme_files.FOLDER) -> None:
        """Make its directories."""
        self._folder = folder
        self._sealed = folder / "sealed"
        for name in (acme_files.ISSUED, acme_files.CHALLENGES, "sealed"):
            (folder / name).mkdir(mode=0o700, exist_ok=True)

    def wanted(self) -> tuple[str, ...]:
        """Return the names that the front wants; none while it has written none."""
        try:
            return acme_files.read_wanted((self._folder / acme_files.WANTED).read_text())
        except (OSError, ValueError):
            return ()

    def sealed(self) -> dict[str, bytes]:
        """Return the encrypted certificates by name."""
        return {path.name: path.read_bytes() for path in self._sealed.iterdir() if not path.name.startswith(".")}

    def keep(self, name: str, sealed: bytes, pem: str) -> None:
        """Keep a certificate, encrypted and for nginx; unchanged files stay untouched."""
        for path, text in ((self._folder / acme_files.ISSUED / f"{name}.pem", pem), (self._sealed / name, sealed)):
            new = text if isinstance(text, bytes) else text.encode()
            if not path.exists() or path.read_bytes() != new:
                replace_file(path, new.decode())

    def drop(self, name: str) -> None:
        """Remove a certificate."""
        for path in (self._folder / acme_files.ISSUED / f"{name}.pem", self._sealed / name):
            path.unlink(missing_ok=True)

    def write_states(self, states: Mapping[str, NameState]) -> None:
        """Write the state of each name for the front, if it changed."""
        path, text = self._folder / acme_files.STATE, acme_files.written_states(states)
        with suppress(OSError):
            if path.read_text() == text:
                return
        replace_file(path, text)

    def answer(self, challenges: Mapping[str, Mapping[str, str]]) -> None:
        """Let nginx give these answers, by name and token, and no others."""
        folder = self._folder / acme_files.CHALLENGES
        for path in folder.iterdir():
            if path.name not in challenges:
                shutil.rmtree(path, ignore_errors=True)
        for name, answers in challenges.items():
            (folder / name).mkdir(mode=0o700, exist_ok=True)
            for path in (folder / name).iterdir():
                if path.name not in answers:
                    path.unlink(missing_ok=True)
            for token, answer in answers.items():
                if not (folder / name / token).exists():
                    replace_file(folder / name / token, answer)
