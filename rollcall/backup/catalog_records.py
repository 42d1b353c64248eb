"""Leave nodes out of a snapshot: a rebuilt host has another id, and Consul keeps its name for the old one.

A snapshot's state is a header and then, for each record, a byte with its type and MessagePack (agent/consul/fsm).
"""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Collection, Iterator, Mapping
from typing import Any

import msgpack

from rollcall import tar_archive
from rollcall.backup.snapshot import META, STATE, SUMS, Snapshot
from rollcall.errors import RollcallError

# Consul's agent/structs, MessageType: a node with one of its services or checks, and where nodes are on the network.
_REGISTRATION, _COORDINATES = 0, 6


def nodes(snapshot: Snapshot) -> dict[str, str]:
    """Return the id of each node in the snapshot's catalog, by name. Raises RollcallError: it cannot be read."""
    records = (document for kind, document, _ in _records(_files(snapshot)[STATE]) if kind == _REGISTRATION)
    return {_text(document, b"Node"): _text(document, b"ID") for document in records}


def without(snapshot: Snapshot, names: Collection[str]) -> Snapshot:
    """Return the snapshot without these nodes, their services and their checks; they register again by themselves.

    Raises:
        RollcallError: it cannot be read.
    """
    if not names:
        return snapshot
    files = _files(snapshot)
    kept = [
        record
        for kind, document, record in _records(files[STATE])
        if kind != _COORDINATES and not (kind == _REGISTRATION and _text(document, b"Node") in names)
    ]
    state = b"".join(kept)
    meta = json.dumps({**json.loads(files[META]), "Size": len(state)}).encode()
    return Snapshot(_archive({META: meta, STATE: state}), snapshot.index)


def _records(state: bytes) -> Iterator[tuple[int, Mapping[bytes, Any], bytes]]:
    """Give each record's type, its content if it is a registration, and its bytes; the header first, of type -1."""
    unpacker = msgpack.Unpacker(raw=True, strict_map_key=False, max_buffer_size=0)
    unpacker.feed(state)
    start, kind = 0, -1
    document: Mapping[bytes, Any] = {}
    try:
        unpacker.skip()
        while True:
            yield kind, document, state[start : (end := unpacker.tell())]
            if end == len(state):
                return
            start, kind = end, unpacker.read_bytes(1)[0]
            document = {}
            if kind == _REGISTRATION:
                document = unpacker.unpack()
            else:
                unpacker.skip()
    except (msgpack.UnpackException, ValueError, IndexError) as problem:
        raise RollcallError(f"the nodes in the snapshot of Consul cannot be read ({problem!r})") from None


def _text(document: Mapping[bytes, Any], key: bytes) -> str:
    return bytes(document.get(key) or b"").decode()


def _files(snapshot: Snapshot) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(gzip.decompress(snapshot.data))) as archive:
        opened = {member.name: archive.extractfile(member) for member in archive if member.isfile()}
        return {name: file.read() for name, file in opened.items() if file}


def _archive(files: Mapping[str, bytes]) -> bytes:
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    return gzip.compress(tar_archive.pack({**files, SUMS: sums.encode()}))
