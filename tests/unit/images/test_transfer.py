"""An image goes through the engine's own pull if possible, and as a whole if the engine cannot reach the registry."""

import io
import json
import os
import tarfile
from pathlib import Path

import pytest

from rollcall.config.inventory import Host
from rollcall.errors import RollcallError
from rollcall.images import saved, transfer
from rollcall.images.registry import registry

NAME = "rollcall/dns:0.1.0"
HOST = Host("app1", "ssh", "app1.example.net", 22, "root")
# An ssh whose host runs commands here, and a docker on that host.
SSH = """#!/bin/sh
for last; do true; done
exec sh -c "$last"
"""
NO_FORWARD = """#!/bin/sh
case " $*" in *" -R "*) echo 'Error: remote port forwarding failed for listen port 20000' >&2; exit 255;; esac
for last; do true; done
exec sh -c "$last"
"""
DOCKER = """#!/bin/sh
case $1 in
load) cat >"$FOLDER/loaded"; exit 0;;
pull) echo pull >>"$FOLDER/pulls"; %s;;
esac
"""
UNREACHED = "echo 'dial tcp 127.0.0.1:20000: connect: connection refused' >&2; exit 1"
# The fake ssh forwards no port; this reads where it would lead.
FAILED_LATER = (
    "name=${2#*/}; "
    'curl -s --noproxy "*" "http://127.0.0.1:$PORT/v2/${name%%/*}/image/manifests/sent" >/dev/null; '
    "echo 'no space left on device' >&2; exit 1"
)


def image(folder: Path) -> saved.Saved:
    config = json.dumps({"os": "linux", "architecture": "amd64"}).encode()
    manifest = json.dumps([{"Config": "config.json", "Layers": ["layer.tar"]}]).encode()
    archive = folder / "image.tar"
    with tarfile.open(archive, "w") as tar:
        for name, content in (("config.json", config), ("layer.tar", b"a layer"), ("manifest.json", manifest)):
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            tar.addfile(entry, io.BytesIO(content))
    return saved.read(archive, "linux/amd64")


def send(folder: Path, monkeypatch: pytest.MonkeyPatch, ssh: str, pull: str) -> transfer.Sent:
    programs = folder / "bin"
    programs.mkdir()
    for name, text in (("ssh", ssh), ("docker", DOCKER % pull)):
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    monkeypatch.setenv("FOLDER", str(folder))
    with registry() as one:
        monkeypatch.setenv("PORT", str(one.port))
        return transfer.send(HOST, NAME, image(folder), one, lambda _: None)


@pytest.mark.parametrize(
    ("ssh", "pulls"), [(NO_FORWARD, 0), (SSH, 1)], ids=["sshd forwards nothing", "the engine has another loopback"]
)
def test_an_engine_that_reaches_no_registry_gets_all_of_the_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ssh: str, pulls: int
) -> None:
    sent = send(tmp_path, monkeypatch, ssh, UNREACHED)
    assert (tmp_path / "loaded").read_bytes() == (tmp_path / "image.tar").read_bytes()
    assert sent.bytes == (tmp_path / "image.tar").stat().st_size
    tried = (tmp_path / "pulls").read_text().count("pull") if (tmp_path / "pulls").exists() else 0
    assert tried == pulls


def test_an_engine_that_reached_the_registry_and_failed_is_not_sent_the_whole_image(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(RollcallError, match="on app1: no space left on device"):
        send(tmp_path, monkeypatch, SSH, FAILED_LATER)
    assert not (tmp_path / "loaded").exists()
