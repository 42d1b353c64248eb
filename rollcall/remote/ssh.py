"""Build ssh's arguments for a host: it connects as pyinfra does, and never prompts."""

import shlex
from collections.abc import Sequence

from rollcall.config.inventory import Host
from rollcall.contract.timeouts import stretched

# A lost packet of a handshake costs about a second; treat a host that needs longer than this as down.
CONNECT_TIMEOUT_SECONDS = 10


def arguments(host: Host, command: str, more: Sequence[str] = ()) -> list[str]:
    """Return the argument list of an ssh that runs a command on a host; `more` are additional options."""
    return ["ssh", *more, *options(host), host.hostname, command]


def options(host: Host) -> list[str]:
    """Return ssh's options for a host, without the destination.

    With a known_hosts file, ssh accepts only the keys in it; otherwise the inventory's
    `ssh_strict_host_key_checking` decides, with pyinfra's default, accept-new.
    """
    data = host.data
    strict = data.get("ssh_strict_host_key_checking") or ("yes" if host.known_hosts else "accept-new")
    settings = {
        "BatchMode": "yes",
        "ConnectTimeout": f"{stretched(CONNECT_TIMEOUT_SECONDS):.0f}",
        "ServerAliveInterval": "5",
        "LogLevel": "ERROR",
        # A prompt (ssh's default) would hang an unattended run.
        "StrictHostKeyChecking": "accept-new" if strict == "ask" else str(strict),
    }
    if host.known_hosts:
        settings["UserKnownHostsFile"] = _quoted(str(host.known_hosts))
        settings["GlobalKnownHostsFile"] = "/dev/null"
    if host.key:
        settings["IdentityFile"] = _quoted(str(host.key))
        # Otherwise ssh tries every key of the user's agent first, and sshd disconnects after six.
        settings["IdentitiesOnly"] = "yes"
    if host.port:
        settings["Port"] = str(host.port)
    if host.user:
        settings["User"] = host.user
    config = ["-F", str(data["ssh_config_file"])] if data.get("ssh_config_file") else []
    return config + [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _quoted(path: str) -> str:
    # ssh splits an unquoted option value at spaces.
    return f'"{path}"' if " " in path else path


def shown(host: Host, command: str = "") -> str:
    """Return the line that a user types to run a command on a host with Rollcall's rights, or only to log in."""
    if command and host.sudo:
        command = f"sudo {command}"
    if host.connector == "local":
        return command
    parts = ["ssh"]
    if host.key:
        parts += ["-i", str(host.key)]
    if host.known_hosts:
        parts += ["-o", f"UserKnownHostsFile={host.known_hosts}"]
    if host.port:
        parts += ["-p", str(host.port)]
    parts.append(f"{host.user}@{host.hostname}" if host.user else host.hostname)
    return shlex.join([*parts, command] if command else parts)
