"""Read a container's actual networks and port bindings, as opposed to those it was created with."""

from collections.abc import Mapping, Sequence
from typing import Any

from rollcall.converge.resources import PublishedPort

NOT_ATTACHED = "not attached"
Bindings = Mapping[str, Sequence[Mapping[str, str]] | None]


def network(document: Mapping[str, Any], networks: Mapping[str, Mapping[str, Any]]) -> str:
    """Return the network that a container is attached to; several are separated by commas.

    Args:
        document: Docker's inspect document of the container.
        networks: the host's networks by name. A network that was removed and created again has another id.
    """
    mode = _mode(document)
    if mode.startswith("container:"):
        return mode
    settings = document.get("NetworkSettings") or {}
    attached = settings.get("Networks") or {}
    names = [name for name, endpoint in attached.items() if name != mode or _exists(endpoint, networks.get(name))]
    if _is_attached_now(document):
        # A fault of the engine can leave an entry without an endpoint, or a container without a network namespace.
        names = [name for name in names if settings.get("SandboxID") and (attached[name] or {}).get("EndpointID")]
    return ", ".join(sorted(names)) or NOT_ATTACHED


def _exists(endpoint: Mapping[str, Any] | None, existing: Mapping[str, Any] | None) -> bool:
    """Return whether a container's network still exists; before the first start the endpoint has no network id."""
    identity = (endpoint or {}).get("NetworkID")
    return not identity or (existing is not None and existing.get("Id") == identity)


def _mode(document: Mapping[str, Any]) -> str:
    mode = str((document.get("HostConfig") or {}).get("NetworkMode", ""))
    return "bridge" if mode == "default" else mode


def _is_attached_now(document: Mapping[str, Any]) -> bool:
    """Return whether the container must be attached now: it runs and is not restarting."""
    status = document["State"]
    return bool(status.get("Running") and not status.get("Restarting"))


def ports(document: Mapping[str, Any]) -> tuple[PublishedPort, ...]:
    """Return the ports that a container publishes; while it runs, only those that the engine has bound."""
    wanted: Bindings = (document.get("HostConfig") or {}).get("PortBindings") or {}
    bound: Bindings = (document.get("NetworkSettings") or {}).get("Ports") or {}
    # The engine binds no ports on the host's network, without a network, or on another container's network.
    binds = _is_attached_now(document) and _mode(document).partition(":")[0] not in ("host", "none", "container")
    return tuple(
        PublishedPort(int(port.split("/")[0]), binding.get("HostIp", ""), binding.get("HostPort", ""))
        for port, listed in wanted.items()
        for binding in listed or ()
        if not binds or any(_matches(actual, binding) for actual in bound.get(port) or ())
    )


def _matches(bound: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    address, port = wanted.get("HostIp", ""), wanted.get("HostPort", "")
    first, _, last = port.partition("-")
    return address in ("", bound.get("HostIp")) and (
        not port or int(first) <= int(bound.get("HostPort") or 0) <= int(last or first)
    )
