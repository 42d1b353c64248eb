"""An inventory as pyinfra itself sees it: hosts, how to reach them, their groups and their data."""

import fnmatch
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from rollcall.config import inventory_file, project
from rollcall.config.fleet import RawHost
from rollcall.config.inventory_reader import ask_pyinfra
from rollcall.config.layers import Layer, merged
from rollcall.did_you_mean import near_name
from rollcall.errors import RollcallError


@dataclass(frozen=True)
class Host:
    """One managed host. Paths are absolute; `port` and `user` are None where ssh's own settings decide."""

    name: str
    connector: Literal["local", "ssh"]
    hostname: str
    port: int | None = None
    user: str | None = None
    key: Path | None = None
    known_hosts: Path | None = None
    groups: tuple[str, ...] = ()
    # No secret of the group data may reach a traceback or an assertion's text: data stays out of repr().
    data: Mapping[str, Any] = field(default_factory=dict, repr=False, hash=False)
    layers: tuple[Layer, ...] = field(default=(), repr=False, hash=False)

    @property
    def raw(self) -> RawHost:
        """The host as settings are read from it."""
        return RawHost(self.name, frozenset(self.groups), self.data, self.layers)

    @property
    def sudo(self) -> bool:
        """Whether commands need sudo there, by pyinfra's own key."""
        return bool(self.data.get("_sudo"))


@dataclass(frozen=True)
class Inventory:
    """The hosts of one inventory. `root` is the folder of the deploy, whose group_data counts."""

    source: str
    root: Path
    hosts: tuple[Host, ...]

    def group(self, name: str) -> tuple[Host, ...]:
        """Return the hosts of a group, none if there is no such group."""
        return tuple(host for host in self.hosts if name in host.groups)


# A host for pyinfra: name, groups, and data. What reads them gets an inventory and the folder where pyinfra runs.
Entry = Mapping[str, Any]
Reader = Callable[[str, Path], Sequence[Entry]]


def read(inventory: str, limit: Sequence[str] = (), reader: Reader | None = None) -> Inventory:
    """Read any inventory that pyinfra reads: a file, or hosts separated by commas (`@local,web1`).

    `limit` holds group names and host patterns with pyinfra's meaning, except that each has to match. The reader is
    pyinfra in a process of its own, unless a command that runs pyinfra itself has a quicker one.
    Raises RollcallError, in one sentence, for a file that is missing or broken, for an inventory without
    hosts, for a host that is reached neither over SSH nor as @local, and for a limit that matches nothing.
    """
    if path := inventory_file.find(inventory):
        root, source = project.root_of(path), str(path.resolve())
        inventory_file.check_syntax(root, path)
    else:
        root, source = project.root_of(None), inventory
    hosts = tuple(host_of(entry, root) for entry in (reader or ask_pyinfra)(source, root))
    if not hosts and not path:
        raise RollcallError(inventory_file.no_such_host(inventory))
    if not hosts:
        raise RollcallError(
            f"The inventory {inventory} has no hosts; give it at least one list of them, such as "
            'consul_servers = ["host1.example.net"].'
        )
    return limited(Inventory(source, root, hosts), limit, inventory)


def host_of(entry: Mapping[str, Any], root: Path) -> Host:
    """Read a host and how to reach it. Raises RollcallError: Rollcall cannot reach it."""
    raw = raw_host(entry)
    name, data = raw.name, raw.data
    groups = _groups(entry)
    if name == "@local":
        return Host(name, "local", "127.0.0.1", groups=groups, data=data, layers=raw.layers)
    if name.startswith("@") and not data.get("ssh_hostname"):
        raise RollcallError(
            f"Host {name} of the inventory uses a connector that Rollcall cannot deploy to; "
            "use hosts reached over SSH, or @local for this machine."
        )
    return Host(
        name=name,
        connector="ssh",
        hostname=str(data.get("ssh_hostname") or name),
        port=data.get("ssh_port"),
        user=data.get("ssh_user"),
        key=_path(data.get("ssh_key"), root),
        known_hosts=_path(data.get("ssh_known_hosts_file"), root),
        groups=groups,
        data=data,
        layers=raw.layers,
    )


def raw_host(entry: Mapping[str, Any]) -> RawHost:
    """Read a host as `rollcall.deploy.inventory_layers` describes it."""
    layers = tuple(Layer(one["source"], one["group"], one["data"]) for one in entry["layers"])
    return RawHost(str(entry["name"]), frozenset(_groups(entry)), merged(layers), layers)


def _groups(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Give a host's groups in pyinfra's order, without those that a connector makes of itself."""
    return tuple(dict.fromkeys(group for group in entry["groups"] if not group.startswith("@")))


def _path(value: str | None, root: Path) -> Path | None:
    # Relative to the root, for that is where pyinfra runs.
    return None if not value else root / Path(value).expanduser()


def limited(whole: Inventory, limit: Sequence[str], inventory: str) -> Inventory:
    """Leave only the hosts that match one of the patterns.

    Raises:
        RollcallError: a pattern matches nothing in the inventory, named as the user typed it.
    """
    if not limit:
        return whole
    hosts = whole.hosts
    chosen: set[str] = set()
    for pattern in limit:
        # pyinfra takes the group when there is one of that name, host patterns otherwise.
        matches = [host.name for host in hosts if pattern in host.groups]
        matches = matches or [host.name for host in hosts if fnmatch.fnmatch(host.name, pattern)]
        if not matches and pattern != "all":
            raise RollcallError(_no_match(pattern, hosts, inventory))
        chosen.update(matches or (host.name for host in hosts))
    return replace(whole, hosts=tuple(host for host in hosts if host.name in chosen))


def _no_match(pattern: str, hosts: Iterable[Host], inventory: str) -> str:
    names = [host.name for host in hosts]
    groups = sorted({group for host in hosts for group in host.groups})
    near = near_name(pattern, [*names, *groups])
    hint = f"did you mean {near}?" if near else "name a group or a host of it."
    return (
        f"--limit {pattern} matches nothing in {inventory} (groups: {', '.join(groups)}; "
        f"hosts: {', '.join(names)}); {hint}"
    )
