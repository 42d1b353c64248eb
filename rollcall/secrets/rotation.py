"""Rotating what is secret on the control machine: issue the next beside what is in use, switch, retire what was before.

Hosts accept both in between, and a deploy after each step brings them along. Every step can be repeated, so that a
rotation which was interrupted anywhere is ended by being begun again.
"""

from dataclasses import replace

from rollcall.secrets.private_directory import PrivateDirectory
from rollcall.secrets.store import IDENTITY, Identity, generations, new


class Rotation:
    """The rotation of one secret, by its file in the folder."""

    def __init__(self, folder: PrivateDirectory, name: str) -> None:
        """Nothing is changed yet."""
        self.folder = folder
        self.name = name
        self.following, _, self.before = generations(name)

    def issue(self) -> None:
        """Make the next one, unless a rotation is further along already."""
        if not self.folder.has(self.following) and not self.folder.has(self.before):
            self.folder.write(self.following, new(self.name))

    def switch(self) -> None:
        """Take the next one into use, and keep the one before."""
        if not self.folder.has(self.following):
            return
        # Counted first: a folder that counts one too many is refused by nobody, one that counts too few by every host.
        identity = Identity.read(self.folder.read(IDENTITY))
        self.folder.write(IDENTITY, str(replace(identity, rotations=identity.rotations + 1)))
        self.folder.keep(self.name, self.before)
        self.folder.rename(self.following, self.name)

    def retire(self) -> None:
        """Forget the one before."""
        self.folder.remove(self.before)

    @property
    def newest(self) -> str:
        """The one that is to stay, in use already or not."""
        return self.folder.read(self.following if self.folder.has(self.following) else self.name).strip()


def discard_certificates(folder: PrivateDirectory) -> None:
    """Let the next deploy make every certificate anew; hosts have the old ones until then."""
    for file in folder.path.glob("*.crt.pem"):
        folder.remove(file.name)
