"""Shell commands; those that change files run in a real shell."""

import base64
import io
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from rollcall.converge import docker_commands
from rollcall.converge.resources import Directory, File, LeadingLine


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
def test_a_leading_line_is_inserted_and_removed_without_a_new_inode(
    tmp_path: Path, before: str, present: bool, after: str
) -> None:
    file = tmp_path / "resolv.conf"
    file.write_text(before)
    inode = file.stat().st_ino
    command = docker_commands.leading_line(LeadingLine(str(file), "nameserver 172.17.0.1", present))
    subprocess.run(["sh", "-c", command], check=True)
    assert file.read_text() == after
    assert file.stat().st_ino == inode


def test_a_file_that_held_only_our_line_goes_with_it(tmp_path: Path) -> None:
    file = tmp_path / "resolv.conf.head"
    for present in (True, False):
        command = docker_commands.leading_line(LeadingLine(str(file), "nameserver 172.17.0.1", present))
        subprocess.run(["sh", "-c", command], check=True)
        assert file.exists() == present


def test_an_archive_carries_modes_and_owners() -> None:
    resources = [Directory("/etc/rollcall/a", 0o700, "100:1000"), File("/etc/rollcall/a/b", "text", 0o600, "100:1000")]
    with tarfile.open(fileobj=io.BytesIO(docker_commands.archive(resources, 100.0))) as tar:
        entries = [(one.name, one.mode, one.uid, one.gid, one.isdir(), one.mtime) for one in tar]
        content = tar.extractfile("etc/rollcall/a/b")
        assert content is not None
        assert content.read() == b"text"
    assert entries == [
        ("etc/rollcall/a", 0o700, 100, 1000, True, 100),
        ("etc/rollcall/a/b", 0o600, 100, 1000, False, 100),
    ]


def receive(root: Path, resources: list[Directory | File], *, lost: int = 0) -> subprocess.CompletedProcess[str]:
    """Run the command for another root directory, with the last characters of the base64 missing."""
    archive = docker_commands.archive(resources, 100.0)
    command = docker_commands.receive(len(archive), ["/etc/rollcall/mark"])
    for path in ("/etc/rollcall", "-C /"):
        command = command.replace(path, path.replace("/", f"{root}/", 1))
    whole = base64.b64encode(archive).decode()
    cut = whole[: len(whole) - lost]
    return subprocess.run(
        ["sh", "-c", f"umask 022; {command}"],
        input=cut,
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_archive_is_put_in_its_place(tmp_path: Path) -> None:
    owner = f"{os.getuid()}:{os.getgid()}"
    resources = [Directory("/etc/rollcall/a", 0o755, owner), File("/etc/rollcall/a/b", "text", 0o640, owner)]
    (tmp_path / "etc").mkdir()
    assert receive(tmp_path, resources).returncode == 0
    ours = tmp_path / "etc" / "rollcall"
    assert {one.name: one.stat().st_mode & 0o777 for one in ours.rglob("*")} == {"a": 0o755, "b": 0o640, "mark": 0o644}
    assert ours.stat().st_mode & 0o777 == 0o700
    assert (ours / "a" / "b").read_text() == "text"


@pytest.mark.parametrize("lost", [4, 1024, 20480])
def test_an_archive_that_was_cut_off_changes_no_file(tmp_path: Path, lost: int) -> None:
    owner = f"{os.getuid()}:{os.getgid()}"
    (tmp_path / "etc").mkdir()
    done = receive(tmp_path, [File("/etc/rollcall/b", "text", 0o640, owner)], lost=lost)
    assert done.returncode != 0
    assert "the connection was lost" in done.stderr
    ours = tmp_path / "etc" / "rollcall"
    assert {one.name: one.stat().st_mode & 0o777 for one in ours.iterdir()} == {"mark": 0o644, ".incoming.tar": 0o600}


@pytest.mark.parametrize(
    ("image", "code", "said"),
    [
        ("it's/odd:1", 0, ""),
        ("it's/odd:1", 1, "cannot pull the image it's/odd:1; check its name and tag"),
        ("rollcall/front:9", 1, "cannot pull the image rollcall/front:9; no public registry has it: rollcall images"),
    ],
)
def test_an_image_that_cannot_be_pulled_is_named(tmp_path: Path, image: str, code: int, said: str) -> None:
    (tmp_path / "docker").write_text(f"#!/bin/sh\nexit {code}\n")
    (tmp_path / "docker").chmod(0o755)
    path = {"PATH": f"{tmp_path}:/usr/bin:/bin"}
    line = docker_commands.pull(image)
    done = subprocess.run(["sh", "-c", line], env=path, capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert said in done.stderr
