"""Pack what a backup holds into one archive, and read it again. No I/O."""

import gzip
import io
import json
import tarfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import PurePosixPath

from rollcall import tar_archive
from rollcall.backup import snapshot
from rollcall.backup.snapshot import Snapshot
from rollcall.errors import RollcallError

# The form of the archive; a later one that this version cannot read has a higher number.
VERSION = 1
MANIFEST, SNAPSHOT, SECRETS, SETTINGS = "manifest.json", "consul.snapshot", "secrets/", "settings/"


@dataclass(frozen=True)
class Manifest:
    """What a backup is of: its fleet, its inventory's name, when it was made (UTC), and the image that runs Consul."""

    fleet: str
    inventory: str
    created: str
    rollcall: str
    consul_image: str
    version: int = VERSION


@dataclass(frozen=True)
class Backup:
    """A backup: Consul's snapshot, the secrets folder, and the project's settings, by their paths in their folders."""

    manifest: Manifest
    snapshot: Snapshot
    secrets: Mapping[str, bytes] = field(repr=False)
    settings: Mapping[str, bytes] = field(repr=False)

    def __str__(self) -> str:
        """Describe it in a sentence."""
        made = self.manifest
        return f"{made.inventory} of {made.created} UTC, Consul's index {self.snapshot.index}"


def pack(backup: Backup) -> bytes:
    """Return the archive."""
    files = {
        MANIFEST: json.dumps(asdict(backup.manifest), indent=2).encode(),
        SNAPSHOT: backup.snapshot.data,
        **{f"{SECRETS}{name}": content for name, content in backup.secrets.items()},
        **{f"{SETTINGS}{name}": content for name, content in backup.settings.items()},
    }
    return gzip.compress(tar_archive.pack(files))


def unpack(data: bytes, where: str) -> Backup:
    """Read an archive.

    Raises:
        RollcallError: it is incomplete, of a later version of Rollcall, or holds a path that leaves its folder.
    """
    try:
        with tarfile.open(fileobj=io.BytesIO(data), mode="r:gz") as archive:
            opened = {entry.name: archive.extractfile(entry) for entry in archive if entry.isfile()}
            files = {name: file.read() for name, file in opened.items() if file}
        document = json.loads(files[MANIFEST])
        if document["version"] != VERSION:
            raise RollcallError(
                f"{where}: got version {document['version']} of Rollcall's backups; expected {VERSION}; use Rollcall "
                f"{document.get('rollcall', 'of a later version')}"
            )
        manifest = Manifest(**document)
        stored = files[SNAPSHOT]
    except (KeyError, TypeError, ValueError, tarfile.TarError, EOFError) as problem:
        raise RollcallError(f"{where}: the backup is incomplete ({problem})") from None
    return Backup(manifest, snapshot.read(stored, where), _below(files, SECRETS, where), _below(files, SETTINGS, where))


def _below(files: Mapping[str, bytes], folder: str, where: str) -> dict[str, bytes]:
    found = {name.removeprefix(folder): content for name, content in files.items() if name.startswith(folder)}
    for name in found:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts:
            raise RollcallError(
                f"{where}: got the path {name!r}, which leaves its folder; the backup was tampered with"
            )
    return found
