"""Collect a declaration piece by piece; a piece that Rollcall's own validation refuses stays out, with its reason."""

import re
from collections.abc import Collection, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any

from rollcall.components.component import Check
from rollcall.components.service import service_validation
from rollcall.compose.document import Document, Where
from rollcall.config import host_settings
from rollcall.config.fleet import Fleet, Member, RawHost, nowhere
from rollcall.config.service import Service
from rollcall.errors import RollcallError

# The strictest host: its front has ports of its own.
_NAME, _GROUPS = "compose", frozenset({"fronts"})
_ITEM = re.compile(r"^services\[\d+\]\.?")

Declaration = dict[str, Any]


@dataclass
class Notes:
    """What was not imported: the place of each key, and the reason."""

    document: Document
    _found: list[tuple[int, str]] = field(default_factory=list)

    def add(self, where: Where, reason: str) -> None:
        """Add a key that was not imported, or not as it stands."""
        line = self.document.line(where)
        self._found.append((line, f"{self.document.path}:{line}: {host_settings.dotted(where)}: {reason}"))

    @property
    def lines(self) -> list[str]:
        """The notes, in the order of the file's lines."""
        return [text for _, text in sorted(self._found, key=lambda note: note[0])]


class Draft:
    """One service's declaration, valid at any time beside those before it."""

    def __init__(self, notes: Notes, before: Sequence[Declaration], reserved: Collection[str]) -> None:
        """Start without a declaration; `start` gives it its name and image."""
        self.notes = notes
        self.declaration: Declaration = {}
        self._before = list(before)
        self._reserved = frozenset(reserved)

    def add(self, where: Where, path: tuple[str, ...], value: Any) -> bool:
        """Add a value at a path of the declaration: lists and dicts grow, others are replaced."""
        changed = deepcopy(self.declaration)
        inner = changed
        for part in path[:-1]:
            inner = inner.setdefault(part, {})
        present = inner.get(path[-1])
        if isinstance(value, list):
            value = [*(present or []), *value]
        elif isinstance(value, dict):
            value = {**(present or {}), **value}
        inner[path[-1]] = value
        return self.replace(where, changed)

    def replace(self, where: Where, changed: Declaration) -> bool:
        """Take a changed declaration if it is valid."""
        if fault := self._fault(changed):
            self.notes.add(where, f"not imported: {fault}")
            return False
        # As docs/settings.md lists them.
        self.declaration = {key: changed[key] for key in Service.model_fields if key in changed}
        return True

    def _fault(self, changed: Declaration) -> str:
        host = RawHost(_NAME, _GROUPS, {"services": [*self._before, changed]})
        try:
            settings = host_settings.check(host, nowhere)
            member = Member(_NAME, _NAME, "127.0.0.1", _GROUPS, settings)
            service_validation.validate(Check(Fleet(_NAME, (member,)), member, self._reserved, nowhere))
        except RollcallError as problem:
            return _ITEM.sub("", str(problem))
        return ""
