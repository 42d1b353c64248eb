"""Check whether the user that Rollcall logs in as has root's rights: the probe, and the meaning of its output.

Rollcall writes root's files and uses Docker, so it logs in as root, or as a user with passwordless sudo.
"""

from rollcall.config.inventory import Host
from rollcall.sections import lines, read, script

# `sudo -n` fails instead of prompting for a password.
PROBE = script("section user; id -u; id -un; id -nG; section sudo; LC_ALL=C sudo -n id -u 2>&1")
SUDOERS = "/etc/sudoers.d/rollcall"
# Todd Miller's sudo, and sudo-rs.
_COMPLAINTS = ("sudo: ", "sudo-rs: ")


def problem(host: Host, output: str) -> str:
    """Return why the user lacks root's rights, from PROBE's output; otherwise "".

    Raises:
        ValueError: the output is incomplete.
    """
    found = read(output, ["user", "sudo"])
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
    """Return an error if a command failed because of its user's rights, judged by what it printed; otherwise ""."""
    user = host.user or "the user"
    if host.sudo:
        lines = [line for line in errors.splitlines() if line.startswith(_COMPLAINTS)]
        return _no_sudo(user, lines[-1]) if lines else ""
    if "docker.sock" in errors and "permission denied" in errors.lower():
        return f'{user} may not use Docker; expected ssh_user "root", or `_sudo = True`'
    return ""


def _no_sudo(user: str, complaint: str) -> str:
    if "not found" in complaint:
        return f'sudo is missing for {user}; expected sudo, or ssh_user "root"'
    if "tty" in complaint:
        return f"sudo requires a terminal of {user}; expected `Defaults:{user} !requiretty` in {SUDOERS}"
    return f"sudo rejects {user} ({complaint}); expected {_sudoers_line(user)}"


def _sudoers_line(user: str) -> str:
    return f"`{user} ALL=(root) NOPASSWD: ALL` in {SUDOERS}"
