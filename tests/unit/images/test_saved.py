import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path
from typing import Any

import pytest

from rollcall.errors import RollcallError
from rollcall.images import saved


def config(architecture: str) -> bytes:
    return json.dumps({"os": "linux", "architecture": architecture}).encode()


def archive(path: Path, files: dict[str, bytes], links: dict[str, str] | None = None) -> Path:
    with tarfile.open(path, "w") as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for name, target in (links or {}).items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, target
            tar.addfile(member)
    return path


def entry(config: str, *layers: str) -> dict[str, Any]:
    return {"Config": config, "RepoTags": ["a:1"], "Layers": list(layers)}


def digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def content(blob: saved.Blob) -> bytes:
    return b"".join(blob.chunks())


def test_a_manifest_names_the_config_and_the_layers_in_order_as_they_were_saved(tmp_path: Path) -> None:
    files = {
        "manifest.json": json.dumps([entry("c.json", "1/layer.tar", "2/layer.tar")]).encode(),
        "c.json": config("amd64"),
        "1/layer.tar": b"base",
        "2/layer.tar": b"top",
    }
    image = saved.read(archive(tmp_path / "image.tar", files), "linux/amd64")
    manifest = json.loads(image.manifest)
    assert manifest["config"]["digest"] == digest(config("amd64"))
    assert [layer["digest"] for layer in manifest["layers"]] == [digest(b"base"), digest(b"top")]
    assert content(image.blobs[digest(b"top")]) == b"top"
    assert image.digest == digest(image.manifest)
    assert image.size == len(config("amd64")) + 7


def test_the_same_image_saved_twice_has_one_digest(tmp_path: Path) -> None:
    files = {"manifest.json": json.dumps([entry("c.json", "l")]).encode(), "c.json": config("amd64"), "l": b"x"}
    reordered = dict(reversed(files.items()))
    one, other = archive(tmp_path / "1.tar", files), archive(tmp_path / "2.tar", reordered)
    assert saved.read(one, "linux/amd64").digest == saved.read(other, "linux/amd64").digest


def test_a_layer_that_older_engines_save_as_a_link_is_found(tmp_path: Path) -> None:
    files = {
        "manifest.json": json.dumps([entry("c.json", "a/layer.tar", "b/layer.tar")]).encode(),
        "c.json": config("amd64"),
        "a/layer.tar": b"same",
    }
    image = saved.read(archive(tmp_path / "i.tar", files, {"b/layer.tar": "../a/layer.tar"}), "linux/amd64")
    assert [layer["digest"] for layer in json.loads(image.manifest)["layers"]] == [digest(b"same")] * 2


def test_a_compressed_layer_is_declared_as_such(tmp_path: Path) -> None:
    files = {
        "manifest.json": json.dumps([entry("c.json", "plain", "gzip", "zstd")]).encode(),
        "c.json": config("amd64"),
        "plain": b"plain",
        "gzip": gzip.compress(b"x"),
        "zstd": b"\x28\xb5\x2f\xfd rest",
    }
    image = saved.read(archive(tmp_path / "i.tar", files), "linux/amd64")
    types = [layer["mediaType"].rsplit(".", 1)[1] for layer in json.loads(image.manifest)["layers"]]
    assert types == ["tar", "tar+gzip", "tar+zstd"]


def test_of_several_platforms_the_hosts_own_is_used(tmp_path: Path) -> None:
    files = {
        "manifest.json": json.dumps([entry("amd.json", "amd"), entry("arm.json", "arm")]).encode(),
        "amd.json": config("amd64"),
        "arm.json": config("arm64"),
        "amd": b"amd",
        "arm": b"arm",
    }
    path = archive(tmp_path / "i.tar", files)
    assert digest(b"arm") in saved.read(path, "linux/arm64/v8").blobs
    with pytest.raises(RollcallError, match="the saved image lacks the platform linux/s390x"):
        saved.read(path, "linux/s390x")


def test_a_blob_is_read_from_any_byte_on(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"..0123456789..")
    blob = saved.Blob(path, 2, 10)
    assert [b"".join(blob.chunks(start)) for start in (0, 4, 10)] == [b"0123456789", b"456789", b""]
