"""Shell commands, tried on a real shell where what they do to a file matters."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from rollcall.converge import docker_commands
from rollcall.converge.resources import Directory, File, FirstLine


@pytest.mark.parametrize(
    ("before", "present", "after"),
    [
        ("search lan\nnameserver 10.0.0.53\n", True, "nameserver 172.17.0.1\nsearch lan\nnameserver 10.0.0.53\n"),
        ("nameserver 10.0.0.53\nnameserver 172.17.0.1\n", True, "nameserver 172.17.0.1\nnameserver 10.0.0.53\n"),
        ("", True, "nameserver 172.17.0.1\n"),
        ("nameserver 172.17.0.1\nnameserver 10.0.0.53\n", False, "nameserver 10.0.0.53\n"),
        ("nameserver 172.17.0.10\n", False, "nameserver 172.17.0.10\n"),
    ],
)
def test_first_line_is_put_and_taken_without_a_new_inode(
    tmp_path: Path, before: str, present: bool, after: str
) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(before)
    inode = file.stat().st_ino
    command = docker_commands.first_line(FirstLine(str(file), "nameserver 172.17.0.1", present))
    subprocess.run(["sh", "-c", command], check=True)
    assert file.read_text() == after
    assert file.stat().st_ino == inode


def test_an_archive_carries_modes_and_owners() -> None:
    things = [Directory("/etc/rollcall/a", 0o700, "100:1000"), File("/etc/rollcall/a/b", "text", 0o600, "100:1000")]
    with tarfile.open(fileobj=io.BytesIO(docker_commands.archive(things, 100.0))) as tar:
        entries = [(one.name, one.mode, one.uid, one.gid, one.isdir(), one.mtime) for one in tar]
        content = tar.extractfile("etc/rollcall/a/b")
        assert content is not None
        assert content.read() == b"text"
    assert entries == [
        ("etc/rollcall/a", 0o700, 100, 1000, True, 100),
        ("etc/rollcall/a/b", 0o600, 100, 1000, False, 100),
    ]
