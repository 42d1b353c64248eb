"""The keys of a Compose service that have a counterpart in a declaration, in the order of their import."""

import ipaddress
from typing import Any

from rollcall.compose import limits, mounts, ports, probes
from rollcall.compose.document import Where
from rollcall.compose.draft import Draft
from rollcall.compose.entries import Key, each_pair, handle, listing, mapping, named, single
from rollcall.compose.values import UnmappedError, mebibytes, switch, text, words
from rollcall.registrator.services.meta import looks_secret


def _environment(draft: Draft, where: Where, value: Any) -> None:
    for place, name, inner in each_pair(draft, where, value):
        if inner is None:
            draft.notes.add(place, f"not imported: {name} has no value here; write one, or declare it in secrets")
            continue
        handle(draft, place, inner, single(("environment",), named(name)))
        # NAME_FILE names the file of a secret.
        if looks_secret(name) and not name.endswith("_FILE") and name in draft.declaration.get("environment", {}):
            draft.notes.add(place, f"{name} looks like a secret, which docker inspect shows; secrets hide it")


def _entrypoint(draft: Draft, where: Where, value: Any) -> None:
    if not (found := words(value)):
        raise UnmappedError("got an empty one; expected the words of a command")
    draft.add(where, ("options", "entrypoint"), found)


def _address(value: Any) -> str:
    """Return an address of extra_hosts; Compose allows IPv6 in brackets."""
    shown = text(value).strip("[]")
    try:
        ipaddress.IPv6Address(shown)
    except ValueError:
        return shown
    raise UnmappedError(f"got {shown}; expected an IPv4 address")


def _option(name: str, key: Any = text) -> Key:
    return single(("options", name), key)


# Ports before what names one of them, and cap_drop before cap_add.
KEYS: dict[str, Key] = {
    "expose": ports.expose,
    "scale": limits.count,
    "deploy": limits.deploy,
    "ports": ports.publish,
    "healthcheck": probes.healthcheck,
    "command": single(("command",), words),
    "entrypoint": _entrypoint,
    "environment": _environment,
    "volumes": mounts.volumes,
    "configs": mounts.configs,
    "secrets": mounts.secrets,
    "tmpfs": mounts.tmpfs,
    "labels": mapping(("labels",)),
    "user": single(("user",), text),
    "read_only": single(("read_only",), switch),
    "cap_drop": limits.drop_capabilities,
    "cap_add": limits.add_capabilities,
    "cpus": limits.cpus,
    "mem_limit": limits.memory,
    "pids_limit": limits.pids,
    "restart": limits.restart,
    "security_opt": limits.security_options,
    "privileged": limits.privileged,
    "stop_grace_period": limits.stop_timeout,
    "stop_signal": _option("stop_signal"),
    "init": _option("init", switch),
    "working_dir": _option("working_dir"),
    "hostname": _option("hostname"),
    "extra_hosts": mapping(("options", "extra_hosts"), _address, separators="=:"),
    "devices": listing(("options", "devices")),
    "group_add": listing(("options", "group_add")),
    "shm_size": _option("shm_size", mebibytes),
    "sysctls": mapping(("options", "sysctls")),
    "ulimits": mapping(("options", "ulimits"), limits.ulimit),
    "oom_score_adj": _option("oom_score_adj", lambda value: value),
}
