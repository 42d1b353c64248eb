"""Hosts are as they are declared, and Rollcall's containers have no rights but those they are declared to have."""

from collections.abc import Callable

from rollcall.converge.plan import Change
from rollcall.converge.resources import AbsentFile, Directory, File, LeadingLine, Resource
from rollcall.registrator.services.expected import Inspected
from rollcall.verify.check_error import CheckError
from rollcall.verify.cluster import Cluster
from rollcall.verify.drift import declared, drift

Says = Callable[[str], None]
ON_DISK = (Directory, File, AbsentFile, LeadingLine)
SOCKETS = ("/var/run/docker.sock", "/run/docker.sock")


def test_containers(cluster: Cluster, says: Says) -> None:
    """Containers are as declared: rights, limits, image and command"""
    _check(cluster, "containers as declared", lambda change: not isinstance(change.resource, ON_DISK))
    found = [(host, one) for host, seen in cluster.surveys.items() for one in seen.managed]
    problems = [f"{host}: {_name(one)} {word}" for host, one in found for word in _more_rights(one)]
    if problems:
        raise CheckError("containers without further rights", problems, f"rollcall deploy {cluster.source}")
    says(f"{len(found)} containers are as declared, each limited and on a read-only root; {_rights(found)}")


def _more_rights(container: Inspected) -> list[str]:
    """Say which rights a container has that none of ours is ever declared to have."""
    host = container["HostConfig"]
    modes = [key for key in ("PidMode", "IpcMode", "UTSMode", "UsernsMode") if host.get(key) == "host"]
    return [
        *(["is privileged"] if host.get("Privileged") else []),
        *(f"shares the host's namespace ({mode})" for mode in modes),
        *(["has the host's devices"] if host.get("Devices") or host.get("DeviceRequests") else []),
    ]


def _rights(found: list[tuple[str, Inspected]]) -> str:
    capabilities = {_name(one): one["HostConfig"].get("CapAdd") or () for _, one in found}
    # Some versions of the engine write CAP_ before each.
    kept = [
        f"{name} {', '.join(sorted(word.removeprefix('CAP_') for word in few))}"
        for name, few in sorted(capabilities.items())
        if few
    ]
    engine = sorted({_name(one) for _, one in found for mount in one["Mounts"] if mount["Source"] in SOCKETS})
    return (
        f"no capabilities{' but ' * bool(kept)}{'; '.join(kept)}; "
        f"the engine's socket: {', '.join(engine) or 'none of them'}"
    )


def test_files(cluster: Cluster, says: Says) -> None:
    """Files are as declared: text, owner and mode"""
    _check(cluster, "files as declared", lambda change: isinstance(change.resource, ON_DISK))
    files = [one for host in cluster.hosts for one in _declared(cluster, host) if isinstance(one, File)]
    closed = sum(one.mode == 0o600 for one in files)
    says(f"{len(files)} files are as declared; {closed} of them can be read by one user alone")


def _declared(cluster: Cluster, host: str) -> tuple[Resource, ...]:
    return declared(
        cluster.fleet, cluster.fleet.member(host), cluster.secrets, cluster.states[host], cluster.components
    )


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
