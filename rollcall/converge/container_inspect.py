"""Convert a container's inspect document back into a `Container`."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.converge import container_network, container_options
from rollcall.converge.docker_query import LABEL
from rollcall.converge.resources import Container, Mount, Tmpfs

SPEC_LABEL = "rollcall.spec"
CONFIGURATION_LABEL = "rollcall.configuration"
# The label's original name, which the containers of running fleets carry.
READINESS_LABEL = "rollcall.overlap"
# A keyed digest of the container's secrets, and the names of those that it has in its environment.
SECRETS_LABEL = "rollcall.secrets"
SECRET_ENVIRONMENT_LABEL = "rollcall.secret-environment"  # noqa: S105 — no value
MEBIBYTE = 1024 * 1024
# Docker's default stop timeout in seconds, and the number of digits in a short container id.
DEFAULT_STOP_TIMEOUT = 10
SHORT_ID = 12


Document = Mapping[str, Any]


def container(
    document: Document, image: Document | None, networks: Mapping[str, Document], like: Container
) -> Container:
    """Return the `Container` that would have produced this document.

    Args:
        document: Docker's inspect document of the container.
        image: the inspect document of the container's image; what comes from the image (its environment, its
            command) is left out. None if the host no longer has the image.
        networks: the inspect documents of the host's networks, by name.
        like: the desired container. It supplies fields that Docker does not keep. Where an option and an image
            default look the same, the desired value counts as met.
    """
    config = document.get("Config") or {}
    host = document.get("HostConfig") or {}
    labels = config.get("Labels") or {}
    image_config = None if image is None else image.get("Config") or {}
    environment = _environment(config, image_config, like)
    secret = {*labels.get(SECRET_ENVIRONMENT_LABEL, "").split(","), *(name for name, _ in like.secret_environment)}
    return Container(
        name=like.name,
        image=str(config.get("Image", "")),
        component=labels.get(LABEL, ""),
        image_source=like.image_source,
        command=_command(config, image_config, like),
        environment=tuple(pair for pair in environment if pair[0] not in secret),
        network=container_network.network(document, networks),
        hostname=_hostname(document, config, like),
        ports=container_network.ports(document),
        listens=like.listens,
        exposed=_exposed(config, image_config, host.get("PortBindings") or {}, like),
        mounts=_mounts(document.get("Mounts") or (), like),
        tmpfs=tuple(Tmpfs(*entry) for entry in (host.get("Tmpfs") or {}).items()),
        user=_user(config, image_config, like),
        drop_capabilities=_capabilities(host.get("CapDrop")),
        add_capabilities=_capabilities(host.get("CapAdd")),
        security_options=tuple(host.get("SecurityOpt") or ()),
        read_only=bool(host.get("ReadonlyRootfs")),
        memory=int(host.get("Memory") or 0) // MEBIBYTE,
        pids=int(host.get("PidsLimit") or 0),
        restart=_restart(host.get("RestartPolicy") or {}),
        stop_timeout=_stop_timeout(config.get("StopTimeout")),
        configuration=labels.get(CONFIGURATION_LABEL, ""),
        readiness_command=tuple(shlex.split(labels.get(READINESS_LABEL, ""))),
        options=container_options.read(document, image, like.options),
        secrets=labels.get(SECRETS_LABEL, ""),
        secret_environment=tuple(pair for pair in environment if pair[0] in secret),
        # Whether it was only created shows in no document; its restart policy does.
        on_call=like.on_call,
        run_timeout=like.run_timeout,
        idle_command=like.idle_command,
        trial_command=like.trial_command,
    )


def _capabilities(listed: Sequence[str] | None) -> tuple[str, ...]:
    return tuple(word.removeprefix("CAP_") for word in listed or ())


def _restart(policy: Document) -> str:
    retries = int(policy.get("MaximumRetryCount") or 0)
    return str(policy.get("Name", "")) + (f":{retries}" if retries else "")


def _stop_timeout(given: int | None) -> int:
    return DEFAULT_STOP_TIMEOUT if given is None else int(given)


def _user(config: Document, image_config: Document | None, like: Container) -> str:
    given = str(config.get("User") or "")
    inherited = image_config is None or given == str(image_config.get("User") or "")
    return "" if not like.user and inherited else given


def _command(config: Document, image_config: Document | None, like: Container) -> tuple[str, ...]:
    own = tuple(config.get("Cmd") or ())
    inherited = image_config is None or own == tuple(image_config.get("Cmd") or ())
    return () if not like.command and inherited else own


def _environment(config: Document, image_config: Document | None, like: Container) -> tuple[tuple[str, str], ...]:
    entries = list(config.get("Env") or ())
    inherited = set(entries if image_config is None else image_config.get("Env") or ())
    wanted = {name for name, _ in (*like.environment, *like.secret_environment)}
    split = [(entry, *entry.partition("=")) for entry in entries]
    return tuple((name, value) for entry, name, _, value in split if name in wanted or entry not in inherited)


def _hostname(document: Document, config: Document, like: Container) -> str:
    """Return the host name that was set; Docker's default is the short id, or the host's name on its network."""
    given = str(config.get("Hostname", ""))
    on_host = (document.get("HostConfig") or {}).get("NetworkMode") == "host"
    if not like.hostname and (on_host or given == str(document.get("Id", ""))[:SHORT_ID]):
        return ""
    return given


def _exposed(config: Document, image_config: Document | None, published: Document, like: Container) -> tuple[int, ...]:
    exposed = config.get("ExposedPorts") or {}
    inherited = exposed if image_config is None else image_config.get("ExposedPorts") or {}
    numbers = {port: int(port.split("/")[0]) for port in exposed}
    own = {
        number
        for port, number in numbers.items()
        if number in like.exposed or (port not in inherited and port not in published)
    }
    return tuple(own)


def _mounts(mounts: Sequence[Mapping[str, Any]], like: Container) -> tuple[Mount, ...]:
    """Return the mounts that were set; anonymous volumes that only the image declares are not drift."""
    wanted = {mount.target for mount in like.mounts}
    found = [
        Mount(str(m.get("Name") or m.get("Source")), str(m["Destination"]), read_only=not m.get("RW", True))
        for m in mounts
        if m.get("Type") == "bind" or m["Destination"] in wanted or not _anonymous(str(m.get("Name", "")))
    ]
    return tuple(found)


def _anonymous(name: str) -> bool:
    return len(name) == 64 and all(letter in "0123456789abcdef" for letter in name)
