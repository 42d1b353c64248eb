"""Whether the user that Rollcall logs in as may do what root may: what is asked of a host, and what the answer means.

Rollcall writes root's files and uses Docker, so it logs in as root, or as a user whose sudo asks nothing.
"""

from rollcall.config.inventory import Host
from rollcall.sections import lines, read, script

# One command. `sudo -n` fails where it would have to ask.
PROBE = script("section user; id -u; id -un; id -nG; section sudo; LC_ALL=C sudo -n id -u 2>&1")
SUDOERS = "/etc/sudoers.d/rollcall"
# Todd Miller's sudo, and the one in Rust.
_COMPLAINTS = ("sudo: ", "sudo-rs: ")


def problem(host: Host, answer: str) -> str:
    """Say, from what PROBE printed, why the user may not do what root may; nothing if that is no problem.

    Raises:
        ValueError: the answer is not complete.
    """
    found = read(answer, ["user", "sudo"])
    number, user, groups = lines(found["user"])
    if number == "0":
        return ""
    sudo = lines(found["sudo"])
    granted = sudo[-1:] == ["0"]
    if host.sudo:
        return "" if granted else _no_sudo(user, " ".join(sudo))
    if granted:
        return f"{user} is not root; set `_sudo = True` for this host, since sudo works there"
    docker = "may use Docker but is not root" if "docker" in groups.split() else "is not root"
    return f'{user} {docker}; expected ssh_user "root", or `_sudo = True` and {_sudoers_line(user)}'


def refusal(host: Host, errors: str) -> str:
    """Say, from what a command on the host printed when it failed, that its user's rights are why; else nothing."""
    user = host.user or "the user"
    if host.sudo:
        lines = [line for line in errors.splitlines() if line.startswith(_COMPLAINTS)]
        return _no_sudo(user, lines[-1]) if lines else ""
    if "docker.sock" in errors and "permission denied" in errors.lower():
        return f'{user} may not use Docker; expected ssh_user "root", or `_sudo = True`'
    return ""


def _no_sudo(user: str, complaint: str) -> str:
    if "not found" in complaint:
        return f'there is no sudo for {user}; expected sudo, or ssh_user "root"'
    if "tty" in complaint:
        return f"sudo wants a terminal of {user}; expected `Defaults:{user} !requiretty` in {SUDOERS}"
    return f"sudo refuses {user} ({complaint}); expected {_sudoers_line(user)}"


def _sudoers_line(user: str) -> str:
    return f"`{user} ALL=(root) NOPASSWD: ALL` in {SUDOERS}"
