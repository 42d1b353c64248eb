"""Rotate secrets on the control machine: issue the next generation, switch to it, retire the previous one.

Hosts accept both in between, and a deploy after each step updates them. Every step is safe to repeat: to finish an
interrupted rotation, start it again.
"""

from dataclasses import replace

from rollcall.secrets.identity import IDENTITY, Identity
from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import generations, new


class Rotation:
    """The rotation of one secret, by its file in the folder."""

    def __init__(self, folder: PrivateDirectory, name: str) -> None:
        """Take the folder and the file's name; change nothing yet."""
        self.folder = folder
        self.name = name
        self.next, _, self.previous = generations(name)

    def issue(self) -> None:
        """Create the next generation, unless a rotation is past this step."""
        if not self.folder.has(self.next) and not self.folder.has(self.previous):
            self.folder.write(self.next, new(self.name))

    def switch(self) -> None:
        """Switch to the next generation, and keep the previous one."""
        if not self.folder.has(self.next):
            return
        # Count first: hosts accept a folder that counts one too many, and reject one that counts too few.
        identity = Identity.read(self.folder.read(IDENTITY))
        self.folder.write(IDENTITY, str(replace(identity, rotations=identity.rotations + 1)))
        self.folder.keep(self.name, self.previous)
        self.folder.rename(self.next, self.name)

    def retire(self) -> None:
        """Remove the previous generation."""
        self.folder.remove(self.previous)

    @property
    def newest(self) -> str:
        """The newest generation, in use already or not."""
        return self.folder.read(self.next if self.folder.has(self.next) else self.name).strip()


def discard_certificates(folder: PrivateDirectory) -> None:
    """Make the next deploy renew every certificate; hosts use the old ones until then."""
    for file in folder.path.glob("*.crt.pem"):
        folder.remove(file.name)
