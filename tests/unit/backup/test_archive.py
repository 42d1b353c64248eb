"""What a backup holds comes back as it was, or is refused."""

import io
import tarfile
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from snapshots import backup

from rollcall.backup import archive
from rollcall.errors import RollcallError

NAMES = st.from_regex(r"[a-z]{1,8}(/[a-z]{1,8}){0,2}", fullmatch=True)


@given(st.dictionaries(NAMES, st.binary(max_size=50), max_size=4), st.dictionaries(NAMES, st.binary(max_size=50)))
def test_everything_comes_back(secrets: dict[str, bytes], settings: dict[str, bytes]) -> None:
    packed = replace(backup(), secrets=secrets, settings=settings)
    assert archive.unpack(archive.pack(packed), "here") == packed


def test_it_is_described_without_a_secret() -> None:
    made = backup(key=b"open sesame")
    assert str(made) == "lab of 2026-11-29 08:00:00 UTC, Consul's index 41"
    assert "sesame" not in repr(made)


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "a/../../b"])
def test_a_path_out_of_its_folder_is_refused(name: str) -> None:
    with pytest.raises(RollcallError, match="leaves its folder"):
        archive.unpack(archive.pack(replace(backup(), settings={name: b""})), "here")


def test_a_later_version_is_named() -> None:
    later = replace(backup(), manifest=replace(backup().manifest, version=2, rollcall="9.0"))
    with pytest.raises(RollcallError, match=r"got version 2 .* expected 1; use Rollcall 9\.0"):
        archive.unpack(archive.pack(later), "here")


@pytest.mark.parametrize("missing", [archive.MANIFEST, archive.SNAPSHOT])
def test_an_incomplete_one_is_refused(missing: str) -> None:
    buffer = io.BytesIO()
    with (
        tarfile.open(fileobj=io.BytesIO(archive.pack(backup()))) as whole,
        tarfile.open(fileobj=buffer, mode="w:gz") as part,
    ):
        for entry in whole:
            if entry.name != missing:
                part.addfile(entry, whole.extractfile(entry))
    with pytest.raises(RollcallError, match=f"here: the backup is incomplete .*{missing}"):
        archive.unpack(buffer.getvalue(), "here")
