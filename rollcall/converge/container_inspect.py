"""Reading a container's inspect document back into the terms it was asked for in."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.converge.docker_query import LABEL
from rollcall.converge.resources import Container, Mount, PublishedPort, Tmpfs

SPEC_LABEL = "rollcall.spec"
CONFIGURATION_LABEL = "rollcall.configuration"
OVERLAP_LABEL = "rollcall.overlap"
MEBIBYTE = 1024 * 1024


def container(document: Mapping[str, Any], image: Mapping[str, Any], like: Container) -> Container:
    """Say which `Container` would have produced this document.

    Args:
        document: Docker's inspect document of the container.
        image: the inspect document of the image that `like` wants; what comes from the image (its
            environment, its command) is not part of what was asked for.
        like: the desired container; only fields that Docker does not keep are taken from it.
    """
    config = document.get("Config") or {}
    host = document.get("HostConfig") or {}
    labels = config.get("Labels") or {}
    network = str(host.get("NetworkMode", ""))
    return Container(
        name=like.name,
        image=str(config.get("Image", "")),
        component=labels.get(LABEL, ""),
        image_source=like.image_source,
        command=_command(config, image),
        environment=_environment(config, image),
        network="bridge" if network == "default" else network,
        hostname=_hostname(document, config, like),
        ports=_ports(host.get("PortBindings") or {}),
        listens=like.listens,
        exposed=_exposed(config, image, host.get("PortBindings") or {}),
        mounts=_mounts(document.get("Mounts") or (), like),
        tmpfs=tuple(Tmpfs(*entry) for entry in (host.get("Tmpfs") or {}).items()),
        user=_user(config, image, like),
        drop_capabilities=_capabilities(host.get("CapDrop")),
        add_capabilities=_capabilities(host.get("CapAdd")),
        security_options=tuple(host.get("SecurityOpt") or ()),
        read_only=bool(host.get("ReadonlyRootfs")),
        memory=int(host.get("Memory") or 0) // MEBIBYTE,
        pids=int(host.get("PidsLimit") or 0),
        restart=str((host.get("RestartPolicy") or {}).get("Name", "")),
        stop_timeout=int(config.get("StopTimeout") or 10),
        configuration=labels.get(CONFIGURATION_LABEL, ""),
        overlap=tuple(shlex.split(labels.get(OVERLAP_LABEL, ""))),
    )


def _capabilities(listed: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(word.removeprefix("CAP_") for word in listed or ())


def _user(config: Mapping[str, Any], image: Mapping[str, Any], like: Container) -> str:
    given = str(config.get("User") or "")
    return "" if not like.user and given == str((image.get("Config") or {}).get("User") or "") else given


def _command(config: Mapping[str, Any], image: Mapping[str, Any]) -> tuple[str, ...]:
    own = tuple(config.get("Cmd") or ())
    return () if own == tuple((image.get("Config") or {}).get("Cmd") or ()) else own


def _environment(config: Mapping[str, Any], image: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    inherited = set((image.get("Config") or {}).get("Env") or ())
    own = [entry for entry in config.get("Env") or () if entry not in inherited]
    return tuple((name, value) for name, _, value in (entry.partition("=") for entry in own))


def _hostname(document: Mapping[str, Any], config: Mapping[str, Any], like: Container) -> str:
    """Without a wish, Docker uses the id (or the host's name on the host's network)."""
    given = str(config.get("Hostname", ""))
    if not like.hostname and (like.network == "host" or str(document.get("Id", "")).startswith(given)):
        return ""
    return given


def _ports(bindings: Mapping[str, Sequence[Mapping[str, str]] | None]) -> tuple[PublishedPort, ...]:
    found = [
        PublishedPort(int(port.split("/")[0]), binding.get("HostIp", ""), binding.get("HostPort", ""))
        for port, listed in bindings.items()
        for binding in listed or ()
    ]
    return tuple(found)


def _exposed(config: Mapping[str, Any], image: Mapping[str, Any], published: Mapping[str, Any]) -> tuple[int, ...]:
    inherited = (image.get("Config") or {}).get("ExposedPorts") or {}
    own = [port for port in config.get("ExposedPorts") or {} if port not in inherited and port not in published]
    return tuple(int(port.split("/")[0]) for port in own)


def _mounts(mounts: Sequence[Mapping[str, Any]], like: Container) -> tuple[Mount, ...]:
    """Volumes that the image declares and nobody asked for are anonymous: they are not drift."""
    wanted = {mount.target for mount in like.mounts}
    found = [
        Mount(str(m.get("Name") or m.get("Source")), str(m["Destination"]), read_only=not m.get("RW", True))
        for m in mounts
        if m.get("Type") == "bind" or m["Destination"] in wanted or not _anonymous(str(m.get("Name", "")))
    ]
    return tuple(found)


def _anonymous(name: str) -> bool:
    return len(name) == 64 and all(letter in "0123456789abcdef" for letter in name)
