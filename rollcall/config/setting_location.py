"""Where in the user's files a setting was written, so that an error can point at it."""

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Place:
    """A file and a line in it."""

    file: str
    line: int

    def __str__(self) -> str:
        """Give the form editors and terminals make clickable."""
        return f"{self.file}:{self.line}"


def group_data_files(project: Path, inventory: Path, groups: Iterable[str]) -> list[Path]:
    """List the files that may set data for a host of these groups, the strongest first.

    pyinfra's order: the inventory's own host data, then groups (the last wins), then `all`; for each the
    folder beside the inventory is stronger than the one in the project.
    """
    folders = [inventory.parent / "group_data", project / "group_data"]
    names = [*reversed(list(groups)), "all"]
    return [inventory, *(folder / f"{name}.py" for name in names for folder in folders)]


def find(files: Sequence[Path], host: str, path: Sequence[str | int]) -> Place | None:
    """Find the deepest part of a setting's path that stands literally in one of the files.

    Values that a file computes have no place of their own: then the line of the nearest enclosing literal
    is given, and None where not even the top-level key is found.
    """
    for file in files:
        if not file.is_file():
            continue
        tree = ast.parse(file.read_text(encoding="utf-8"))
        found = _assigned(tree, str(path[0])) or _host_data(tree, host, str(path[0]))
        if found is not None:
            return Place(_short(file), _descend(found, path[1:]))
    return None


def _assigned(tree: ast.Module, key: str) -> tuple[int, ast.expr] | None:
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and any(
            isinstance(target, ast.Name) and target.id == key for target in statement.targets
        ):
            return statement.lineno, statement.value
    return None


def _host_data(tree: ast.Module, host: str, key: str) -> tuple[int, ast.expr] | None:
    """Find a key in ("app1", {"address": …}), the form of a host that has data of its own."""
    for node in ast.walk(tree):
        match node:
            case ast.Tuple(elts=[ast.Constant(value=name), ast.Dict(keys=keys, values=values)]) if name == host:
                for literal, value in zip(keys, values, strict=True):
                    if isinstance(literal, ast.Constant) and literal.value == key:
                        return literal.lineno, value
    return None


def _descend(start: tuple[int, ast.expr], path: Sequence[str | int]) -> int:
    line, node = start
    for part in path:
        if isinstance(node, ast.Dict):
            found = [
                (name.lineno, value)
                for name, value in zip(node.keys, node.values, strict=True)
                if isinstance(name, ast.Constant) and name.value == part
            ]
            if not found:
                return line
            line, node = found[-1]
        elif isinstance(node, ast.List | ast.Tuple) and isinstance(part, int) and part < len(node.elts):
            node = node.elts[part]
            line = node.lineno
        else:
            return line
    return line


def _short(file: Path) -> str:
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
