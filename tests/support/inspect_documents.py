"""What `docker inspect` says of a container that was made as asked for: written from Engine 26.1's answers.

It knows nothing of how rollcall reads such documents: the two are each other's check.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from rollcall.converge.resources import Container

ID = "0123456789abcdef" * 4


def image(identity: str, *names: str, **config: Any) -> dict[str, Any]:
    """An image; `config` are its Env, Cmd, User and ExposedPorts."""
    return {"Id": identity, "RepoTags": list(names), "RepoDigests": [], "RootFS": {}, "Config": config}


def network(name: str, identity: str = "") -> dict[str, Any]:
    return {"Name": name, "Id": identity or f"id-of-{name}", "IPAM": {}, "Labels": {"rollcall.managed": "network"}}


def running(made: Container, source: dict[str, Any]) -> dict[str, Any]:
    """A container that runs and has all that it was to get."""
    return {
        "Id": ID,
        "Name": f"/{made.name}",
        "Image": source["Id"],
        "Created": "1970-01-01T00:01:40.123456789Z",
        "State": {
            "Status": "running",
            "Running": True,
            "Paused": False,
            "Restarting": False,
            "StartedAt": "1970-01-01T00:03:20Z",
        },
        "Config": _config(made, source["Config"]),
        "HostConfig": _host_config(made),
        "Mounts": [
            {"Type": "volume", "Name": "f" * 64, "Destination": "/declared/by/the/image", "RW": True},
            *(_mount(mount.source, mount.target, writable=not mount.read_only) for mount in made.mounts),
        ],
        "NetworkSettings": {
            "SandboxID": "5" * 64,
            "Ports": _bound(made, source["Config"]),
            "Networks": {made.network: {"NetworkID": f"id-of-{made.network}", "EndpointID": "e" * 64}},
        },
    }


def _config(made: Container, brought: dict[str, Any]) -> dict[str, Any]:
    given = (*made.environment, *made.secret_environment)
    own = dict(given)
    inherited = [entry for entry in brought.get("Env") or () if entry.partition("=")[0] not in own]
    ports = {f"{port.container}/tcp": {} for port in made.ports} | {f"{port}/tcp": {} for port in made.exposed}
    labels = {"rollcall.managed": made.component, "rollcall.spec": made.spec}
    if made.configuration:
        labels["rollcall.configuration"] = made.configuration
    if made.readiness_command:
        labels["rollcall.overlap"] = " ".join(made.readiness_command)
    if made.secrets:
        labels["rollcall.secrets"] = made.secrets
    if made.secret_environment:
        labels["rollcall.secret-environment"] = ",".join(name for name, _ in made.secret_environment)
    return {
        **_plain_config(dict(made.options), brought),
        "Image": made.image,
        "Hostname": made.hostname or ("the-machine" if made.network == "host" else ID[:12]),
        "User": made.user or brought.get("User", ""),
        "Env": [*(f"{name}={value}" for name, value in given), *inherited] or None,
        "Cmd": list(made.command) or brought.get("Cmd"),
        "ExposedPorts": (brought.get("ExposedPorts") or {}) | ports or None,
        "StopTimeout": made.stop_timeout,
        "Labels": {**(brought.get("Labels") or {}), **_split(dict(made.options).get("labels", ())), **labels},
    }


Texts = Mapping[str, tuple[str, ...]]


def _split(texts: Iterable[str], between: str = "=") -> dict[str, str]:
    return {name: value for name, _, value in (text.partition(between) for text in texts)}


def _plain_config(options: Texts, brought: dict[str, Any]) -> dict[str, Any]:
    return {
        "Entrypoint": list(options.get("entrypoint", ())) or brought.get("Entrypoint"),
        "WorkingDir": "".join(options.get("working_dir", ())) or brought.get("WorkingDir", ""),
        **({"StopSignal": options["stop_signal"][0]} if "stop_signal" in options else {}),
    }


def _plain_host_config(options: Texts) -> dict[str, Any]:
    devices = (text.split(":") for text in options.get("devices", ()))
    limits = (text.replace("=", ":").split(":") for text in options.get("ulimits", ()))
    return {
        "NanoCpus": int(float("".join(options.get("cpus", ())) or 0) * 10**9),
        "Init": True if "init" in options else None,
        "ExtraHosts": list(options.get("extra_hosts", ())) or None,
        "Devices": [dict(zip(("PathOnHost", "PathInContainer", "CgroupPermissions"), d, strict=True)) for d in devices],
        "GroupAdd": list(options.get("group_add", ())) or None,
        "ShmSize": int("".join(options.get("shm_size", ())).rstrip("m") or 64) * 1024 * 1024,
        "Sysctls": _split(options.get("sysctls", ())) or None,
        # Docker adds the engine's own default limits when a container starts.
        "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}]
        + [{"Name": name, "Soft": int(soft), "Hard": int(hard)} for name, soft, hard in limits],
        "OomScoreAdj": int("".join(options.get("oom_score_adj", ())) or 0),
    }


def _host_config(made: Container) -> dict[str, Any]:
    name, _, retries = made.restart.partition(":")
    bindings: dict[str, list[dict[str, str]]] = {}
    for port in made.ports:
        bindings.setdefault(f"{port.container}/tcp", []).append({"HostIp": port.address, "HostPort": port.host})
    return {
        **_plain_host_config(dict(made.options)),
        "NetworkMode": made.network,
        "PortBindings": bindings,
        "RestartPolicy": {"Name": name, "MaximumRetryCount": int(retries or 0)},
        "CapAdd": [f"CAP_{capability}" for capability in made.add_capabilities] or None,
        "CapDrop": list(made.drop_capabilities) or None,
        "SecurityOpt": list(made.security_options) or None,
        "ReadonlyRootfs": made.read_only,
        "Memory": made.memory * 1024 * 1024,
        "PidsLimit": made.pids or None,
        "Tmpfs": {tmpfs.target: tmpfs.options for tmpfs in made.tmpfs} or None,
    }


def _mount(source: str, target: str, *, writable: bool) -> dict[str, Any]:
    if source.startswith("/"):
        return {"Type": "bind", "Source": source, "Destination": target, "RW": writable}
    # A volume's source is where its data lies, which nobody asked for.
    return {"Type": "volume", "Name": source, "Source": f"/volumes/{source}", "Destination": target, "RW": writable}


def _bound(made: Container, brought: dict[str, Any]) -> dict[str, Any]:
    if made.network in ("host", "none"):
        return {}
    bound: dict[str, Any] = dict.fromkeys([*(brought.get("ExposedPorts") or ()), *(f"{n}/tcp" for n in made.exposed)])
    for number, port in enumerate(made.ports):
        first = port.host.partition("-")[0] or str(32768 + number)
        addresses = [port.address] if port.address else ["0.0.0.0", "::"]
        found = bound.get(f"{port.container}/tcp") or []
        bound[f"{port.container}/tcp"] = [*found, *({"HostIp": address, "HostPort": first} for address in addresses)]
    return bound
