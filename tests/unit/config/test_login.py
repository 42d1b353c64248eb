"""pyinfra's keys for becoming root: what Rollcall takes, and what it says of the rest."""

import pytest

from rollcall.config import login


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"ssh_user": "root"},
        {"ssh_user": "root", "_sudo": False},
        {"ssh_user": "admin", "_sudo": True},
        {"_sudo": True, "_sudo_user": "root"},
        {"_sudo": True, "_sudo_user": None, "_sudo_password": None, "_su_user": None},
        {"_timeout": 60, "_retries": 3, "_sudo": True},
    ],
)
def test_what_works(data: dict[str, object]) -> None:
    assert login.problem(data) is None


@pytest.mark.parametrize(
    ("data", "key", "words"),
    [
        ({"_sudo": "yes"}, "_sudo", "got 'yes'; expected True or False"),
        ({"_sudo": 1}, "_sudo", "got 1; expected True or False"),
        ({"_sudo": True, "_sudo_user": "deploy"}, "_sudo_user", "got 'deploy'; expected 'root'"),
        (
            {"ssh_user": "admin", "_sudo": True, "_sudo_password": "x"},
            "_sudo_password",
            "`admin ALL=(root) NOPASSWD: ALL`",
        ),
        ({"_su_user": "root"}, "_su_user", "not supported; expected `_sudo = True`"),
        ({"_doas": True}, "_doas", "not supported; expected `_sudo = True`"),
        (
            {"ssh_user": "admin"},
            "ssh_user",
            "got 'admin'; expected 'root', or another user together with `_sudo = True`",
        ),
        ({"ssh_user": "admin", "_sudo": False}, "ssh_user", "got 'admin'"),
    ],
)
def test_what_does_not(data: dict[str, object], key: str, words: str) -> None:
    found = login.problem(data)
    assert found is not None
    assert found[0] == key
    assert words in found[1]
    assert "'x'" not in found[1], "a password is printed"
