"""An inventory as pyinfra itself sees it: hosts, how to reach them, their groups and their data."""

import ast
import difflib
import fnmatch
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from rollcall.config import project
from rollcall.config.fleet import RawHost
from rollcall.config.layers import Layer, merged
from rollcall.errors import RollcallError

# Reading an inventory makes no connection, but its Python may do anything (ask a cloud for machines, say).
READ_TIMEOUT_SECONDS = 120

# pyinfra's own command line, but for how it describes the hosts. Imported nowhere, since only deploy knows pyinfra.
_READER = "rollcall.deploy.inventory_layers"
# What pyinfra prints around the reason for which it failed.
_PROGRESS = ("Loading ", "Disconnecting ", "The full traceback ", "If this is unexpected ")


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
    if _is_host_list(inventory):
        root, source = project.root_of(None), inventory
    else:
        path = _found(Path(inventory).expanduser())
        _check_file(path)
        root = project.root_of(path)
        source = str(path.resolve())
        for file in (path, *_group_data_files(root, path)):
            _check_syntax(file)
    hosts = tuple(host_of(entry, root) for entry in (reader or _ask_pyinfra)(source, root))
    if not hosts and _is_host_list(inventory):
        raise RollcallError(
            f"{inventory} is no file, and no host of that name can be resolved; "
            "name an inventory file, such as inventories/lab.py."
        )
    if not hosts:
        raise RollcallError(
            f"The inventory {inventory} has no hosts; give it at least one list of them, such as "
            'consul_servers = ["host1.example.net"].'
        )
    return limited(Inventory(source, root, hosts), limit, inventory)


def _found(path: Path) -> Path:
    """Return the path, or if there is no such file here the one in the project."""
    if path.exists() or path.is_absolute():
        return path
    inside = project.root_of(None) / path
    return inside if inside.exists() else path


def _is_host_list(inventory: str) -> bool:
    if Path(inventory).expanduser().exists():
        return False
    if inventory.startswith("@") or "," in inventory:
        return True
    return "/" not in inventory and not inventory.endswith(".py")


def _check_file(path: Path) -> None:
    if path.is_dir():
        inside = sorted(str(file) for file in path.glob("*.py"))
        hint = f"name one of the files in it: {', '.join(inside)}" if inside else "it holds no inventory (*.py)"
        raise RollcallError(f"The inventory {path} is a folder; {hint}.")
    if not path.exists():
        raise RollcallError(f"There is no inventory {path}; {_did_you_mean_file(path)}")
    if path.suffix != ".py":
        raise RollcallError(
            f"The inventory {path} is not a Python file; pyinfra reads inventories named *.py, "
            "such as inventories/lab.py."
        )


def _did_you_mean_file(path: Path) -> str:
    folders = (path.parent, Path("inventories"), project.root_of(path) / "inventories")
    candidates: dict[str, Path] = {}
    for folder in folders:
        # What stands beside a deploy.py are deploys, not inventories.
        if (folder / "deploy.py").exists():
            continue
        for file in sorted(folder.glob("*.py")):
            candidates.setdefault(file.stem, file)
    near = difflib.get_close_matches(path.stem, candidates, n=1)
    if near:
        return f"did you mean {candidates[near[0]]}?"
    if candidates:
        return f"there are {', '.join(str(file) for file in candidates.values())}."
    return f"it was looked for in {path.parent.resolve()}."


def _group_data_files(root: Path, inventory: Path) -> list[Path]:
    folders = dict.fromkeys((root / "group_data", inventory.resolve().parent / "group_data"))
    return [file for folder in folders for file in sorted(folder.glob("*.py"))]


def _check_syntax(file: Path) -> None:
    try:
        ast.parse(file.read_bytes(), filename=str(file))
    except SyntaxError as error:
        raise RollcallError(
            f"{file}, line {error.lineno}, is not valid Python: {error.msg}; mend that line and try again."
        ) from None
    except (OSError, ValueError) as error:
        raise RollcallError(f"{file} cannot be read: {error}; give a readable text file.") from None


def _ask_pyinfra(source: str, root: Path) -> list[dict[str, Any]]:
    command = [sys.executable, "-m", _READER, "--chdir", str(root), source, "debug-inventory", "--json"]
    # A subprocess, because importing pyinfra's command line patches sockets and threads of the whole process.
    environment = {**os.environ, "PYINFRA_PROGRESS": "off", "NO_COLOR": "1"}
    try:
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            env=environment,
            stdin=subprocess.DEVNULL,
            timeout=READ_TIMEOUT_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise RollcallError(
            f"pyinfra did not finish reading the inventory {source} in {READ_TIMEOUT_SECONDS} seconds; "
            "look at what its Python waits for."
        ) from None
    if done.returncode != 0:
        raise RollcallError(_why_pyinfra_failed(source, done.stderr))
    # An inventory may print something of its own; pyinfra's JSON is the last line that is a list.
    for line in reversed(done.stdout.splitlines()):
        if line.startswith("["):
            entries: list[dict[str, Any]] = json.loads(line)
            if entries and "problem" in entries[0]:
                raise RollcallError(entries[0]["problem"])
            return entries
    raise RollcallError(f"pyinfra printed no hosts for the inventory {source}; try `pyinfra {source} debug-inventory`.")


def _why_pyinfra_failed(source: str, stderr: str) -> str:
    lines = [line.strip().removeprefix("--> ") for line in stderr.splitlines()]
    reasons = [line for line in lines if line and not line.startswith(_PROGRESS)]
    reason = reasons[-1].rstrip(".") if reasons else "no reason given"
    file = re.search(r"An exception occurred in: (.+?):?$", stderr, re.MULTILINE)
    if file is None:
        return f"pyinfra cannot read the inventory {source}: {reason}."
    where = re.findall(rf'File "{re.escape(file[1])}", line (\d+)', stderr)
    line = f", line {where[-1]}" if where else ""
    return f"{file[1]}{line}, raised {reason}; an inventory and its group_data must load without an error."


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
    near = difflib.get_close_matches(pattern, [*names, *groups], n=1)
    hint = f"did you mean {near[0]}?" if near else "name a group or a host of it."
    return (
        f"--limit {pattern} matches nothing in {inventory} (groups: {', '.join(groups)}; "
        f"hosts: {', '.join(names)}); {hint}"
    )
