"""Users with root's rights on a host, and the error for all others."""

import pytest

from rollcall.config.inventory import Host
from rollcall.remote import login

PLAIN = Host("web1", "ssh", "web1", user="admin")
SUDO = Host("web1", "ssh", "web1", user="admin", data={"_sudo": True})
LINE = "`admin ALL=(root) NOPASSWD: ALL` in /etc/sudoers.d/rollcall"


def answer(number: int, groups: str, sudo: str, user: str = "admin") -> str:
    return f"Welcome!\n@@rollcall user\n{number}\n{user}\n{groups}\n@@rollcall sudo\n{sudo}\n@@rollcall end\n"


@pytest.mark.parametrize("host", [PLAIN, SUDO])
def test_root_needs_nothing_else(host: Host) -> None:
    assert login.problem(host, answer(0, "root", "sh: 1: sudo: not found", "root")) == ""


def test_a_user_with_sudo() -> None:
    assert login.problem(SUDO, answer(1000, "admin sudo", "0")) == ""


@pytest.mark.parametrize(
    ("sudo", "sentence"),
    [
        ("sudo: a password is required", f"sudo rejects admin (sudo: a password is required); expected {LINE}"),
        (
            "sudo-rs: interactive authentication is required",
            f"sudo rejects admin (sudo-rs: interactive authentication is required); expected {LINE}",
        ),
        (
            "sudo: sorry, you must have a tty to run sudo",
            "sudo requires a terminal of admin; expected `Defaults:admin !requiretty` in /etc/sudoers.d/rollcall",
        ),
        ("sh: 1: sudo: not found", 'sudo is missing for admin; expected sudo, or ssh_user "root"'),
    ],
)
def test_sudo_that_does_not_work(sudo: str, sentence: str) -> None:
    assert login.problem(SUDO, answer(1000, "admin", sudo)) == sentence


def test_sudo_without_the_setting() -> None:
    said = login.problem(PLAIN, answer(1000, "admin sudo", "0"))
    assert said == "admin is not root; set `_sudo = True` for this host, since sudo works there"


@pytest.mark.parametrize(
    ("groups", "who"), [("admin docker", "may use Docker but is not root"), ("dockers admin", "is not root")]
)
def test_a_user_without_sudo(groups: str, who: str) -> None:
    said = login.problem(PLAIN, answer(1000, groups, "sudo: a password is required"))
    assert said == f'admin {who}; expected ssh_user "root", or `_sudo = True` and {LINE}'


def test_a_truncated_output() -> None:
    with pytest.raises(ValueError, match="cut off"):
        login.problem(SUDO, "@@rollcall user\n1000\n")


@pytest.mark.parametrize(
    ("host", "errors", "sentence"),
    [
        (SUDO, "noise\nsudo: a password is required\n", "sudo rejects admin"),
        (PLAIN, "permission denied while trying to connect to … unix:///var/run/docker.sock", "may not use Docker"),
        (SUDO, "Error: No such container: sudo: x", ""),
        (PLAIN, "sudo: a password is required", ""),
        (PLAIN, "Cannot connect to the Docker daemon at unix:///var/run/docker.sock.", ""),
    ],
)
def test_a_command_that_failed_because_of_its_users_rights(host: Host, errors: str, sentence: str) -> None:
    said = login.refusal(host, errors)
    assert sentence in said
    assert bool(said) == bool(sentence)
