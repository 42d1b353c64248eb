"""Compress each layer once for all hosts that fetch it, in a process of its own: deploys must not wait for it."""

import gzip
import sys
from pathlib import Path
from threading import Lock

from rollcall import command
from rollcall.images.saved import Blob

# Level 6 makes an image of ours a tenth smaller, and takes three times as long.
_LEVEL = 1
# Less is sent sooner than compressed.
_WORTHWHILE_SIZE = 1 << 16
# A layer that was compressed before stays about as large.
_WORTHWHILE_RATIO = 0.9


class Compressor:
    """Compressed copies of blobs; the files stand beside the archive and go with it."""

    def __init__(self) -> None:
        """Create a compressor that has compressed nothing yet."""
        self._lock = Lock()
        self._locks: dict[Blob, Lock] = {}
        self._copies: dict[Blob, Blob | None] = {}

    def copy(self, blob: Blob) -> Blob | None:
        """Return the blob compressed with gzip, or None if that is not worthwhile.

        Raises:
            RollcallError: the disk is full.
        """
        if blob.size < _WORTHWHILE_SIZE:
            return None
        with self._lock:
            own = self._locks.setdefault(blob, Lock())
        with own:
            if blob not in self._copies:
                self._copies[blob] = _compress(blob)
            return self._copies[blob]


def _compress(blob: Blob) -> Blob | None:
    path = blob.archive.with_name(f"{blob.archive.name}.{blob.offset}.gz")
    arguments = [str(blob.archive), str(blob.offset), str(blob.size), str(path)]
    command.run([sys.executable, "-m", __name__, *arguments], doing="compress a layer")
    size = path.stat().st_size
    if size < blob.size * _WORTHWHILE_RATIO:
        return Blob(path, 0, size)
    path.unlink()
    return None


def main(archive: str, offset: str, size: str, target: str) -> None:
    """Compress a range of the archive."""
    with gzip.open(target, "wb", compresslevel=_LEVEL) as file:
        for chunk in Blob(Path(archive), int(offset), int(size)).chunks():
            file.write(chunk)


if __name__ == "__main__":
    main(*sys.argv[1:])
