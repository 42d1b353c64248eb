"""Read an archive of `docker save` as what a registry serves: one manifest and its blobs."""

import hashlib
import json
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rollcall.errors import RollcallError

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
_CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
_LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
# By their first bytes: an engine with containerd's image store saves layers as it received them.
_COMPRESSIONS = {b"\x1f\x8b": "+gzip", b"\x28\xb5\x2f\xfd": "+zstd"}
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Blob:
    """A range of bytes in the archive."""

    archive: Path
    offset: int
    size: int

    def chunks(self, start: int = 0) -> Iterator[bytes]:
        """Read it from an offset."""
        with self.archive.open("rb") as file:
            file.seek(self.offset + start)
            left = self.size - start
            while left > 0 and (chunk := file.read(min(_CHUNK, left))):
                left -= len(chunk)
                yield chunk


@dataclass(frozen=True)
class Saved:
    """One image: its archive, its manifest, and its blobs by digest."""

    archive: Path
    manifest: bytes = field(repr=False)
    blobs: Mapping[str, Blob] = field(repr=False)

    @property
    def digest(self) -> str:
        """The digest of the manifest."""
        return _digest([self.manifest])

    @property
    def size(self) -> int:
        """The size of all blobs in bytes."""
        return sum(blob.size for blob in self.blobs.values())


def read(archive: Path, platform: str) -> Saved:
    """Read the archive of one image from any version of Docker.

    Layers stay as they are, mostly uncompressed: their digests are then the same from every machine, and an engine that
    has them does not fetch them again.

    Args:
        archive: the archive of `docker save`.
        platform: of the image to read, if there are several.

    Raises:
        RollcallError: the archive holds no image for the platform.
    """
    with tarfile.open(archive) as tar:

        def blob(name: str) -> Blob:
            member = tar.getmember(name)
            while member.issym() or member.islnk():
                # Docker before 25 saves a layer once and links to it.
                member = tar.getmember(_target(member))
            return Blob(archive, member.offset_data, member.size)

        for entry in json.loads(b"".join(blob("manifest.json").chunks())):
            config = blob(entry["Config"])
            if _fits(json.loads(b"".join(config.chunks())), platform):
                return _saved(config, [blob(name) for name in entry["Layers"]])
    raise RollcallError(f"the saved image lacks the platform {platform}")


def _target(member: tarfile.TarInfo) -> str:
    if member.islnk():
        return member.linkname
    parts = (Path(member.name).parent / member.linkname).parts
    resolved: list[str] = []
    for part in parts:
        if part == "..":
            resolved.pop()
        else:
            resolved.append(part)
    return "/".join(resolved)


def _fits(config: Mapping[str, Any], platform: str) -> bool:
    wanted = platform.split("/")
    return [config.get("os"), config.get("architecture")] == wanted[:2]


def _saved(config: Blob, layers: list[Blob]) -> Saved:
    blobs: dict[str, Blob] = {}

    def descriptor(media_type: str, blob: Blob) -> Mapping[str, Any]:
        digest = _digest(blob.chunks())
        blobs[digest] = blob
        return {"mediaType": media_type, "digest": digest, "size": blob.size}

    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": descriptor(_CONFIG_TYPE, config),
        "layers": [descriptor(_LAYER_TYPE + _compression(layer), layer) for layer in layers],
    }
    return Saved(config.archive, json.dumps(manifest).encode(), blobs)


def _compression(blob: Blob) -> str:
    start = next(blob.chunks(), b"")
    return next((suffix for magic, suffix in _COMPRESSIONS.items() if start.startswith(magic)), "")


def _digest(chunks: Iterator[bytes] | list[bytes]) -> str:
    digest = hashlib.sha256()
    for chunk in chunks:
        digest.update(chunk)
    return f"sha256:{digest.hexdigest()}"
