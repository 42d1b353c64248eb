"""Where in the user's files a setting was written, so that an error can point at it."""

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from rollcall.config.layers import OVERRIDE, Layer


@dataclass(frozen=True)
class Place:
    """A file and a line in it; 0 where the file computes the value, and no line can be named."""

    file: str
    line: int = 0

    def __str__(self) -> str:
        """Give the form editors and terminals make clickable."""
        return f"{self.file}:{self.line}" if self.line else self.file


def place(layer: Layer, host: str, path: Sequence[str | int]) -> Place:
    """Find the deepest part of a setting's path that stands literally in the file of a layer.

    Values that a file computes have no place of their own: then the line of the nearest enclosing literal counts.
    """
    if layer.source == OVERRIDE:
        return Place(f"{OVERRIDE} {path[0]}")
    file = Path(layer.source)
    tree = _parsed(file, file.stat().st_mtime_ns) if file.is_file() else None
    if tree is None:
        return Place(_short(file))
    start = _Reader(tree).start(layer, host, str(path[0]))
    return Place(_short(file), _Reader(tree).descend(start, path[1:]) if start else 0)


def variable(file: Path, name: str) -> Place:
    """Find the line in which a file sets a variable."""
    tree = _parsed(file, file.stat().st_mtime_ns) if file.is_file() else None
    found = _Reader(tree).assigned(name) if tree else None
    return Place(_short(file), found[0] if found else 0)


@lru_cache(maxsize=64)
def _parsed(file: Path, _modified: int) -> ast.Module | None:
    try:
        return ast.parse(file.read_text(encoding="utf-8"))
    except (SyntaxError, ValueError):
        return None


# A value in a file and the line that its key, or itself, stands in.
Found = tuple[int, ast.expr]


class _Reader:
    """Looks values up in a file without running it, also through names such as {**_common, …}."""

    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree

    def start(self, layer: Layer, host: str, key: str) -> Found | None:
        """Find a top-level key: of a host or a group in the inventory, or as a variable of group data."""
        if not layer.group:
            return self._host_data(host, key)
        if inline := self._inline(layer.group):
            return self._entry(inline, key)
        return self.assigned(key)

    def assigned(self, name: str, before: int | None = None) -> Found | None:
        """Find the last assignment to a variable of the file, or the last that ends before a line."""
        for statement in reversed(self.tree.body):
            # front = {**front, …} means the front of before.
            if before is not None and (statement.end_lineno or statement.lineno) >= before:
                continue
            targets = (
                statement.targets
                if isinstance(statement, ast.Assign)
                else [statement.target]
                if isinstance(statement, ast.AnnAssign)
                else []
            )
            if any(isinstance(target, ast.Name) and target.id == name for target in targets):
                value = statement.value if isinstance(statement, ast.Assign | ast.AnnAssign) else None
                return (statement.lineno, value) if value else None
        return None

    def _inline(self, group: str) -> ast.expr | None:
        """Find a group's data in the inventory: fronts = ([…], {"front": …})."""
        match self.assigned(group):
            case (_, ast.Tuple(elts=[_, data])):
                return data
        return None

    def _host_data(self, host: str, key: str) -> Found | None:
        """Find a key in ("app1", {"address": …}), the form of a host that has data of its own."""
        computed: list[ast.expr] = []
        for node in ast.walk(self.tree):
            match node:
                case ast.Tuple(elts=[ast.Constant(value=str(name)), data]) if name == host:
                    if found := self._entry(data, key):
                        return found
                case ast.Tuple(elts=[ast.expr() as name, data]) if not isinstance(name, ast.Constant | ast.List):
                    computed.append(data)
        # A file that makes its hosts in a loop writes their keys once.
        places = [found for data in computed if (found := self._entry(data, key))]
        return places[0] if len(places) == 1 else None

    def _entry(self, node: ast.expr, key: str | int) -> Found | None:
        """Find a key of a dict, the last one if it stands there twice."""
        for name, value in reversed(list(self._entries(node))):
            if name is None:
                if found := self._entry(value, key):
                    return found
            elif key == (name.arg if isinstance(name, ast.keyword) else getattr(name, "value", None)):
                return name.lineno, value
        return None

    def _entries(self, node: ast.expr) -> Iterator[tuple[ast.expr | ast.keyword | None, ast.expr]]:
        """List a dict's keys and values; a key of None is a dict that is taken in whole."""
        match node:
            case ast.Dict(keys=keys, values=values):
                yield from zip(keys, values, strict=True)
            case ast.Call(func=ast.Name(id="dict"), args=arguments, keywords=keywords):
                yield from ((None, argument) for argument in arguments)
                yield from ((word if word.arg else None, word.value) for word in keywords)
            case ast.BinOp(left=left, op=ast.BitOr(), right=right):
                yield from ((None, left), (None, right))
            case ast.Name(id=name):
                if found := self.assigned(name, node.lineno):
                    yield (None, found[1])

    def descend(self, start: Found, path: Sequence[str | int]) -> int:
        """Follow a path into a value as far as it stands there literally; give the line."""
        line, node = start
        for part in path:
            if isinstance(node, ast.Name) and (named := self.assigned(node.id, node.lineno)):
                node = named[1]
            if isinstance(node, ast.List | ast.Tuple) and isinstance(part, int) and part < len(node.elts):
                node = node.elts[part]
                line = node.lineno
            elif found := self._entry(node, part):
                line, node = found
            else:
                return line
        return line


def _short(file: Path) -> str:
    try:
        return str(file.resolve().relative_to(Path.cwd()))
    except ValueError:
        return str(file)
