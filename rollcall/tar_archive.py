"""Pack files into a tar archive in memory."""

import io
import tarfile
from collections.abc import Mapping


def pack(files: Mapping[str, bytes], owner: str = "0:0") -> bytes:
    """Return an archive of files of mode 0600.

    Args:
        files: contents by path.
        owner: the ids of their user and group, such as "100:1000".
    """
    uid, gid = map(int, owner.split(":"))
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.uid, entry.gid = len(content), 0o600, uid, gid
            archive.addfile(entry, io.BytesIO(content))
        end = archive.offset + 2 * tarfile.BLOCKSIZE
    # Consul refuses what follows the two empty blocks that end an archive; Python fills it up.
    return buffer.getvalue()[:end]
