"""Describe the change of one resource for the user: the action and the differences that cause it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, is_dataclass
from typing import Any, Literal

from rollcall.converge.resources import AbsentFile, LeadingLine, Resource

Action = Literal["create", "replace", "take over", "finish", "start", "unpause", "write", "remove"]


@dataclass(frozen=True)
class Difference:
    """One field of a resource: its actual and its desired value."""

    field: str
    old: str
    new: str

    def __str__(self) -> str:
        """Return the text that a dry run prints."""
        return f"{self.field}: {self.old} → {self.new}"


# What people read for a type whose name is not the word for it.
_KINDS: Mapping[type, str] = {LeadingLine: "first line of", AbsentFile: "file"}


@dataclass(frozen=True)
class Change:
    """One resource that differs from its desired state, and the action that corrects it."""

    action: Action
    resource: Resource
    differences: tuple[Difference, ...] = ()
    remark: str = ""
    # What only the new image knows, as long as the host does not have it.
    unknown: str = ""

    @property
    def name(self) -> str:
        """The resource's path or name."""
        return str(getattr(self.resource, "path", "") or getattr(self.resource, "name", ""))

    def __str__(self) -> str:
        """Return one line: the action, the resource and the reason."""
        kind = _KINDS.get(type(self.resource), type(self.resource).__name__.lower())
        reasons = [*map(str, self.differences), *filter(None, (self.remark, self.unknown))]
        why = f" ({'; '.join(reasons)})" if reasons else ""
        return f"{self.action} {kind} {self.name}{why}"


def field_differences(name: str, old: Any, new: Any) -> list[Difference]:
    """Compare two values of a container's field; every variable and every option counts as a field of its own."""
    if name in _OF_SEVERAL:
        was, will = dict(old), dict(new)
        own, shown = _OF_SEVERAL[name]
        return [
            Difference(f"{own}{key}", shown(was.get(key)), shown(will.get(key)))
            for key in sorted(was.keys() | will.keys())
            if was.get(key) != will.get(key)
        ]
    return [] if old == new else [Difference(name, _shown(old), _shown(new))]


def _hidden(value: Any) -> str:
    return "absent" if value is None else "a secret"


def _shown(value: Any) -> str:
    if value is None:
        return "absent"
    if isinstance(value, tuple):
        return f"[{', '.join(map(_brief, value))}]"
    return repr(value)


# Fields that are made of pairs: what their keys are called, and how a value is shown.
_OF_SEVERAL: Mapping[str, tuple[str, Callable[[Any], str]]] = {
    "environment": ("environment.", _shown),
    "secret_environment": ("environment.", _hidden),
    "options": ("options.", _shown),
}


def _brief(item: Any) -> str:
    if is_dataclass(item):
        item = tuple(getattr(item, field.name) for field in fields(item))
    return ":".join(map(str, item)) if isinstance(item, tuple) else str(item)
