"""The user of an image, found by a shell with a docker that has one image."""

import subprocess
from pathlib import Path

import pytest

from rollcall.converge import image_user

DOCKER = """#!/bin/sh
echo "$*" >>"$AT/log"
case $1 in
  image) [ "$5" = shop:1 ] && cat "$AT/user" ;;
  create) echo c0ffee ;;
  cp) tar -C "$AT" -c passwd ;;
esac
"""
PASSWD = "root:x:0:0::/:/bin/sh\napp:x:1000:1000::/:/bin/sh\nmyapp:x:7:7::/:\n"


@pytest.fixture
def at(tmp_path: Path) -> Path:
    (tmp_path / "docker").write_text(DOCKER)
    (tmp_path / "chown").write_text('#!/bin/sh\necho "chown $*"\n')
    for program in ("docker", "chown"):
        (tmp_path / program).chmod(0o755)
    (tmp_path / "passwd").write_text(PASSWD)
    return tmp_path


def own(at: Path, image: str = "shop:1") -> "subprocess.CompletedProcess[str]":
    command = image_user.own(image, ["/a b", "/c"])
    environment = {"PATH": f"{at}:/usr/bin:/bin", "AT": str(at)}
    return subprocess.run(["sh", "-c", command], env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("user", "uid"), [("", "0"), ("7", "7"), ("7:8", "7"), ("app", "1000"), ("app:root", "1000"), ("root", "0")]
)
def test_the_files_go_to_the_images_user(at: Path, user: str, uid: str) -> None:
    (at / "user").write_text(f"{user}\n")
    assert own(at).stdout == f"chown {uid} /a b /c\n"
    made = "create" in (at / "log").read_text()
    assert made == ("rm --volumes c0ffee" in (at / "log").read_text())
    assert made == (user[:1].isalpha())


def test_a_user_that_the_image_lacks_is_a_sentence(at: Path) -> None:
    (at / "user").write_text("app2\n")
    done = own(at)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "the image shop:1 has no user app2 in /etc/passwd\n"
    assert "rm --volumes c0ffee" in (at / "log").read_text()


def test_an_image_that_is_missing_is_a_failure(at: Path) -> None:
    (at / "user").write_text("app\n")
    assert own(at, "shop:2").returncode == 1
