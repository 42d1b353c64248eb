"""Read a snapshot as Consul makes it: a compressed archive of its state, with digests. No I/O."""

import gzip
import hashlib
import io
import json
import tarfile
import zlib
from dataclasses import dataclass

from rollcall.errors import RollcallError

_MAGIC = b"\x1f\x8b"
META, STATE, SUMS = "meta.json", "state.bin", "SHA256SUMS"


@dataclass(frozen=True)
class Snapshot:
    """A snapshot that is whole: its bytes, and the index of its last write."""

    data: bytes
    index: int

    def __str__(self) -> str:
        """Describe it in a few words."""
        return f"a snapshot of Consul's index {self.index}"


def is_compressed(data: bytes) -> bool:
    """Return whether data begins as a snapshot does."""
    return data.startswith(_MAGIC)


def read(data: bytes, where: str) -> Snapshot:
    """Check that a snapshot is whole, as Consul does before it restores one.

    Raises:
        RollcallError: it was cut, or changed.
    """
    try:
        # Whole first: an archive whose last bytes are missing may still hold every file.
        with tarfile.open(fileobj=io.BytesIO(gzip.decompress(data))) as archive:
            files = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
            found = {name: file.read() for name, file in files.items() if file}
        sums = dict(line.split(maxsplit=1)[::-1] for line in found[SUMS].decode().splitlines() if line.strip())
        for name in (META, STATE):
            if sums[name].strip() != hashlib.sha256(found[name]).hexdigest():
                raise ValueError(f"the digest of {name} differs")
        return Snapshot(data, int(json.loads(found[META])["Index"]))
    except KeyError as problem:
        raise RollcallError(f"{where}: the snapshot of Consul is incomplete ({problem} is missing)") from None
    except (tarfile.TarError, EOFError, OSError, ValueError, TypeError, zlib.error) as problem:
        raise RollcallError(f"{where}: the snapshot of Consul is damaged ({problem})") from None
