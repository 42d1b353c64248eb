"""How Rollcall becomes root on a host: pyinfra's own keys, checked before anybody logs in."""

from collections.abc import Mapping
from typing import Any

SUDO, SUDO_USER = "_sudo", "_sudo_user"
# Other ways of pyinfra's to become another user, which Rollcall's own commands do not take.
_OTHER_WAYS = ("_su_user", "_su_password", "_su_shell", "_doas", "_doas_user", "_dzdo", "_dzdo_user")
_PASSWORD = "_sudo_password"  # noqa: S105 - a key's name


def problem(data: Mapping[str, Any]) -> tuple[str, str] | None:
    """Give the first key of a host's data with which nobody becomes root, and what is wrong with it."""
    for key, value in data.items():
        if key.startswith("_") and value and (sentence := _sentence(key, value, str(data.get("ssh_user") or "USER"))):
            return key, sentence
    user = data.get("ssh_user")
    if user not in (None, "", "root") and not data.get(SUDO):
        return "ssh_user", f"got {user!r}; expected 'root', or another user together with `{SUDO} = True`"
    return None


def _sentence(key: str, value: object, user: str) -> str:
    if key == SUDO:
        return "" if value is True else f"got {value!r}; expected True or False"
    if key == SUDO_USER:
        return "" if value == "root" else f"got {value!r}; expected 'root'"
    if key == _PASSWORD:
        return (
            "not supported, since an argument list would show it; expected sudo without a password: "
            f"`{user} ALL=(root) NOPASSWD: ALL` in /etc/sudoers.d/rollcall"
        )
    if key in _OTHER_WAYS:
        return f"not supported; expected `{SUDO} = True`, or ssh_user 'root'"
    return ""
