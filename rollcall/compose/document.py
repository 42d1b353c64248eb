"""Read a Compose file: plain values, and the line of each key."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from rollcall.compose.variables import filled
from rollcall.errors import RollcallError

Where = tuple[str | int, ...]

# Aliases of aliases can make a short file endless.
MOST_VALUES, DEEPEST = 20_000, 50


@dataclass(frozen=True)
class Document:
    """A Compose file: its path as given, its content, and its YAML tree for the lines."""

    path: Path
    content: Mapping[str, Any]
    tree: Any

    def line(self, where: Where) -> int:
        """Return the line of a key, or of the nearest around it that has one."""
        line, node = 1, self.tree
        for part in where:
            try:
                line = (node.lc.item(part) if isinstance(part, int) else node.lc.key(part))[0] + 1
                node = node[part]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line


def read(path: Path) -> Document:
    """Read a Compose file.

    Raises:
        RollcallError: it is unreadable, or no Compose file.
    """
    try:
        tree = YAML().load(path.read_text("utf-8"))
        content = plain(tree)
    except OSError as error:
        raise RollcallError(f"{path}: cannot read it ({error.strerror}); expected a Compose file") from None
    except UnicodeDecodeError:
        raise RollcallError(f"{path}: got bytes that are not UTF-8; expected a Compose file") from None
    except MarkedYAMLError as error:
        line = f"{error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise RollcallError(f"{path}:{line} got invalid YAML ({_one_line(error.problem)})") from None
    except (YAMLError, ValueError) as error:
        raise RollcallError(f"{path}: got invalid YAML ({_one_line(error)})") from None
    except RecursionError:
        raise RollcallError(f"{path}: got values nested too deeply; expected a Compose file") from None
    document = Document(path, content if isinstance(content, dict) else {}, tree)
    services = document.content.get("services")
    if not isinstance(services, dict) or not services:
        raise RollcallError(
            f"{path}:{document.line(('services',))}: services: got {services!r}; expected a mapping of services"
        )
    for name, service in services.items():
        if not isinstance(service, dict):
            place = f"{path}:{document.line(('services', name))}"
            raise RollcallError(f"{place}: services.{name}: got {service!r}; expected a mapping with an image")
    return document


def _one_line(text: object) -> str:
    return " ".join(str(text).split())


def plain(tree: Any) -> Any:
    """Return a YAML tree in Python's own types, with variables filled in.

    Raises:
        RecursionError: it is too large or too deep.
    """
    return _Plain().of(tree)


class _Plain:
    """Turn a YAML tree into Python's own types, with variables filled in."""

    def __init__(self) -> None:
        self._count = 0

    def of(self, node: Any, depth: int = 0) -> Any:
        self._count += 1
        if self._count > MOST_VALUES or depth > DEEPEST:
            raise RecursionError
        if isinstance(node, dict):
            return {str(key): self.of(value, depth + 1) for key, value in node.items()}
        if isinstance(node, list):
            return [self.of(value, depth + 1) for value in node]
        if node is None or isinstance(node, bool):
            return node
        # ruamel's own numbers, such as 0o17, print as they were written.
        if isinstance(node, int | float):
            return int(node) if isinstance(node, int) else float(node)
        return filled(str(node))
