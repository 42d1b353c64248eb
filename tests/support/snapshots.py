"""Snapshots and backups as tests need them, without a Consul."""

import hashlib
import io
import json
import tarfile

from rollcall.backup.archive import Backup, Manifest
from rollcall.backup.snapshot import META, STATE, SUMS, Snapshot, read
from rollcall.secrets.identity import IDENTITY, Identity


def consuls(index: int = 41, *, state: bytes = b"the state", **changed: bytes) -> bytes:
    """Make a snapshot as Consul does; `changed` replaces files after their digests were taken."""
    files = {META: json.dumps({"ID": "2-41", "Index": index, "Term": 2}).encode(), STATE: state}
    sums = "".join(f"{hashlib.sha256(content).hexdigest()}  {name}\n" for name, content in files.items())
    by_key = {"meta": META, "later_state": STATE}
    files = {**files, SUMS: sums.encode(), **{by_key[key]: content for key, content in changed.items()}}
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def snapshot() -> Snapshot:
    return read(consuls(), "here")


def backup(fleet: str = "f1", rotations: int = 0, **secrets: bytes) -> Backup:
    """Make a backup of a fleet with these secrets."""
    manifest = Manifest(fleet, "lab", "2026-11-29 08:00:00", "0.3.0", "hashicorp/consul:1.22.7")
    identity = str(Identity(fleet, rotations)).encode()
    return Backup(manifest, snapshot(), {IDENTITY: identity, **secrets}, {"inventories/lab.py": b"x = []\n"})
