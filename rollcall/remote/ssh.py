"""How Rollcall's own ssh processes reach a host: as pyinfra does, and never with a question."""

import shlex
from collections.abc import Sequence

from rollcall.config.inventory import Host
from rollcall.contract.timeouts import stretched

# One lost packet of a handshake costs about a second; a host that needs longer than this is down.
CONNECT_TIMEOUT_SECONDS = 10


def arguments(host: Host, command: str, more: Sequence[str] = ()) -> list[str]:
    """Give the argument list of an ssh that runs a command on a host; `more` are options of its own."""
    return ["ssh", *more, *options(host), host.hostname, command]


def options(host: Host) -> list[str]:
    """Return ssh's options for a host, without the destination.

    Given a known_hosts file, only the keys in it are accepted; otherwise `ssh_strict_host_key_checking`
    of the inventory counts, with pyinfra's own default, accept-new.
    """
    data = host.data
    strict = data.get("ssh_strict_host_key_checking") or ("yes" if host.known_hosts else "accept-new")
    settings = {
        "BatchMode": "yes",
        "ConnectTimeout": f"{stretched(CONNECT_TIMEOUT_SECONDS):.0f}",
        "ServerAliveInterval": "5",
        "LogLevel": "ERROR",
        # A question (ssh's default) would hang a run that nobody watches.
        "StrictHostKeyChecking": "accept-new" if strict == "ask" else str(strict),
    }
    if host.known_hosts:
        settings["UserKnownHostsFile"] = _quoted(str(host.known_hosts))
        settings["GlobalKnownHostsFile"] = "/dev/null"
    if host.key:
        settings["IdentityFile"] = _quoted(str(host.key))
        # Otherwise every key of the user's agent is tried first, and sshd hangs up after six.
        settings["IdentitiesOnly"] = "yes"
    if host.port:
        settings["Port"] = str(host.port)
    if host.user:
        settings["User"] = host.user
    config = ["-F", str(data["ssh_config_file"])] if data.get("ssh_config_file") else []
    return config + [part for name, value in settings.items() for part in ("-o", f"{name}={value}")]


def _quoted(path: str) -> str:
    # ssh splits an option's value at spaces unless it is quoted.
    return f'"{path}"' if " " in path else path


def shown(host: Host, command: str = "") -> str:
    """Give the line that a person types to run a command on a host with Rollcall's rights, or only to log in."""
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
