"""Read the layers of every host's data, which pyinfra merges by top-level key.

`python -m rollcall.deploy.inventory_layers` takes the arguments of `pyinfra` and prints the hosts as JSON; a deploy
calls `hosts` inside pyinfra. Both read the files again after pyinfra, with pyinfra's own functions.
"""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import click
from pyinfra import inventory as the_inventory
from pyinfra import state as run
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra_cli import cli
from pyinfra_cli.inventory import _get_group_data, _is_inventory_group
from pyinfra_cli.prints import jsonify
from pyinfra_cli.util import exec_file, json_encode

from rollcall.config import groups, pyinfra_data
from rollcall.config.inventory import Entry
from rollcall.config.layers import OVERRIDE, Layer
from rollcall.errors import RollcallError

Document = dict[str, Any]


def hosts(inventory: Inventory, source: str, folders: Iterable[str]) -> list[Document]:
    """Describe every host: name, groups, and the layers of its data, lowest precedence first.

    Args:
        inventory: pyinfra's inventory.
        source: the inventory's file; any other source has no layers of its own.
        folders: the folders with group data, lowest precedence first.
    """
    declared = exec_file(source, return_locals=True) if Path(source).is_file() else {}
    groups.check_declared(Path(source), declared)
    members = {key: value for key, value in declared.items() if _is_inventory_group(key, value)}
    group_data = [(folder, _get_group_data(folder)) for folder in folders]
    return [_host(inventory, host, source, members, group_data) for host in inventory]


def _host(
    inventory: Inventory,
    host: Host,
    source: str,
    groups: Mapping[str, Any],
    group_data: list[tuple[str, dict[str, dict[str, Any]]]],
) -> Document:
    layers: list[Layer] = []
    # A connector lists groups twice; the last position counts.
    for group in ("all", *reversed(dict.fromkeys(reversed(host.groups)))):
        declared = groups.get(group)
        own = [Layer(source, group, declared[1])] if isinstance(declared, tuple) else []
        own += [Layer(_file(folder, group), group, data[group]) for folder, data in group_data if group in data]
        known = inventory.get_data() if group == "all" else inventory.get_group_data(group)
        layers += [*_unread(known, own, source, group), *own]
    of_host = [Layer(source, "", data) for data in _host_data(groups, host.name)]
    layers += [*_unread(inventory.get_host_data(host.name), of_host, source, ""), *of_host]
    override = {key: value for key, value in inventory.get_override_data().items() if key != pyinfra_data.CONSENT}
    layers.append(Layer(OVERRIDE, "", override))
    return {
        "name": host.name,
        "groups": list(host.groups),
        "layers": [_document(layer) for layer in layers if layer.data],
    }


def _file(folder: str, group: str) -> str:
    return str(Path(folder) / f"{group}.py") if Path(folder).is_dir() else folder


def _host_data(groups: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    """Return a host's own data in pyinfra's order: its groups as in the inventory, `all` last."""
    found = []
    for group in sorted(groups, key=lambda group: group == "all"):
        members = groups[group][0] if isinstance(groups[group], tuple) else groups[group]
        found += [entry[1] for entry in members if isinstance(entry, tuple) and entry[0] == name]
    # Count the same data once if a host has it in several groups.
    return [data for position, data in enumerate(found) if data not in found[position + 1 :]]


def _unread(known: Mapping[str, Any], read: list[Layer], source: str, group: str) -> list[Layer]:
    """Return pyinfra's data that is in no file: a connector's, or that of an inventory that a function returns."""
    rest = {key: value for key, value in known.items() if not any(key in layer.data for layer in read)}
    return [Layer(source, group, rest)] if rest else []


def _document(layer: Layer) -> Document:
    # Data that Rollcall does not read, such as the user's own, may be any Python object.
    data = {key: value for key, value in layer.data.items() if _is_read(key, value)}
    return {"source": layer.source, "group": layer.group, "data": data}


def _is_read(key: str, value: Any) -> bool:
    if key in pyinfra_data.GLOBAL_ARGUMENTS:
        return value is None or isinstance(value, str | int | dict)
    return key in pyinfra_data.SSH or not pyinfra_data.is_not_ours(key)


def is_dry() -> bool:
    """Return whether this is a dry run."""
    return bool(_arguments()["dry"])


@lru_cache(maxsize=1)
def _arguments() -> dict[str, Any]:
    """Return the parameters of this run; pyinfra does not pass them to deploys."""
    return dict(cli.cli.make_context("pyinfra", sys.argv[1:], resilient_parsing=True).params)


# The hosts as a command of ours has read them, before it started pyinfra in the same process.
_remembered: list[Sequence[Entry]] = []


def remember(entries: Sequence[Entry]) -> None:
    """Take these for the hosts of this run: reading group data and inventory once more would give the same."""
    _remembered[:] = [entries]


def of_this_run() -> Sequence[Entry]:
    """Describe the hosts of the current pyinfra run, as Rollcall's commands see them."""
    return _remembered[0] if _remembered else _read()


@lru_cache(maxsize=1)
def _read() -> Sequence[Entry]:
    arguments = _arguments()
    source = str(Path(run.cwd or ".") / arguments["inventory"])
    source = source if Path(source).is_file() else arguments["inventory"]
    return described(the_inventory, source, arguments["group_data"] or ())


def described(inventory: Inventory, source: str, named: Iterable[str] = ()) -> list[Document]:
    """Describe the hosts of an inventory; `named` are additional folders of group data.

    Raises:
        RollcallError: a role is not a list of hosts, or a value cannot be written as JSON.
    """
    return list(json.loads(_json(hosts(inventory, source, _folders(source, named)))))


def _folders(source: str, named: Iterable[str]) -> list[str]:
    beside = str(Path(source).parent.resolve() / "group_data") if Path(source).is_file() else ""
    project = str(Path(run.cwd or ".") / "group_data")
    return list(dict.fromkeys([project, *([beside] if beside else []), *named]))


def _json(found: list[Document]) -> str:
    """Write the hosts as JSON; the error names a value that JSON cannot hold."""
    try:
        return str(jsonify(found, default=json_encode))
    except TypeError:
        for host in found:
            for layer in host["layers"]:
                for key, value in layer["data"].items():
                    _check(layer["source"], key, value)
        raise


def _check(source: str, key: str, value: Any) -> None:
    try:
        jsonify(value, default=json_encode)
    except TypeError:
        raise RollcallError(
            f"{source}: {key}: got a value that holds a {_culprit(value)}; "
            "expected text, numbers, True, False, None, and lists and dicts of them"
        ) from None


def _culprit(value: Any) -> str:
    inside = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    for item in inside:
        try:
            jsonify(item, default=json_encode)
        except TypeError:
            return _culprit(item)
    return type(value).__name__


def main() -> None:
    """Run pyinfra's command line, printing these layers instead of pyinfra's own description of hosts."""
    # This import makes the whole process's sockets and threads cooperative.
    from pyinfra_cli.main import main as pyinfra_main

    cli.print_inventory_json = _print
    pyinfra_main()


def _print(_state: object) -> None:
    try:
        found = of_this_run()
    except RollcallError as problem:
        # pyinfra would wrap an exception in its own words.
        found = [{"problem": str(problem)}]
    click.echo(json.dumps(found))


if __name__ == "__main__":
    main()
