"""Check that hosts are as declared, and that Rollcall's containers have no other rights than declared."""

from collections.abc import Callable

from rollcall.converge.changes import Change
from rollcall.converge.resources import AbsentFile, Directory, File, LeadingLine, Resource
from rollcall.registrator.services.expected import Inspected
from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster
from rollcall.verify.drift import declared, drift

Report = Callable[[str], None]
ON_DISK = (Directory, File, AbsentFile, LeadingLine)
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")


def test_containers(cluster: Cluster, passed: Report) -> None:
    """Containers are as declared: rights, limits, image and command"""
    _check(cluster, "containers as declared", lambda change: not isinstance(change.resource, ON_DISK))
    found = [(host, container) for host, seen in cluster.probes.items() for container in seen.managed]
    problems = [f"{host}: {_name(container)} {word}" for host, container in found for word in _more_rights(container)]
    if problems:
        raise CheckError("containers without undeclared rights", problems, f"rollcall deploy {cluster.source}")
    passed(f"{len(found)} containers are as declared, each limited and on a read-only root; {_rights(found)}")


def _more_rights(container: Inspected) -> list[str]:
    """Return the rights of a container that Rollcall never declares."""
    host = container["HostConfig"]
    modes = [key for key in ("PidMode", "IpcMode", "UTSMode", "UsernsMode") if host.get(key) == "host"]
    return [
        *(["is privileged"] if host.get("Privileged") else []),
        *(f"shares the host's namespace ({mode})" for mode in modes),
        *(["has the host's devices"] if host.get("Devices") or host.get("DeviceRequests") else []),
    ]


def _rights(found: list[tuple[str, Inspected]]) -> str:
    capabilities = {_name(container): container["HostConfig"].get("CapAdd") or () for _, container in found}
    # Some versions of the engine prefix each with CAP_.
    kept = [
        f"{name} {', '.join(sorted(word.removeprefix('CAP_') for word in few))}"
        for name, few in sorted(capabilities.items())
        if few
    ]
    engine = sorted(
        {_name(container) for _, container in found for mount in container["Mounts"] if mount["Source"] in SOCKETS}
    )
    return f"capabilities: {'; '.join(kept) or 'none'}; the engine's socket: {', '.join(engine) or 'none'}"


def test_files(cluster: Cluster, passed: Report) -> None:
    """Files are as declared: text, owner and mode"""
    _check(cluster, "files as declared", lambda change: isinstance(change.resource, ON_DISK))
    files = [resource for host in cluster.hosts for resource in _declared(cluster, host) if isinstance(resource, File)]
    closed = sum(file.mode & 0o077 == 0 for file in files)
    passed(f"{len(files)} files are as declared; only one user can read {closed} of them")


def _declared(cluster: Cluster, host: str) -> tuple[Resource, ...]:
    return declared(cluster.fleet, cluster.as_running(host), cluster.secrets, cluster.states[host], cluster.components)


def _check(cluster: Cluster, expected: str, concerns: Callable[[Change], bool]) -> None:
    problems = [
        f"{host}: a deploy would {change}"
        for host, state in cluster.states.items()
        for change in drift(_declared(cluster, host), state)
        if concerns(change)
    ]
    if problems:
        raise CheckError(expected, problems, _step(cluster))


def _step(cluster: Cluster) -> str:
    """Show the changes first; those of an interrupted rotation are known."""
    return cluster.mend if cluster.secrets.unfinished else f"{cluster.mend} --dry"


def _name(container: Inspected) -> str:
    return str(container["Name"]).lstrip("/")
