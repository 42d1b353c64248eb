"""Every setting with type, default, unit, and meaning, from the models: `rollcall settings` and docs/settings.md."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from rollcall.config.host_settings import RENAMED, expected, model_in
from rollcall.config.pyinfra_data import OWN
from rollcall.config.settings import Settings
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError

_INTRODUCTION = f"""\
# Settings

`rollcall settings` prints this list, `rollcall settings KEY` one setting or section of it, and
`rollcall settings INVENTORY --host HOST [KEY]` the values of one host, each with the file and line that it comes from.
Generated from the models in `rollcall/config/settings.py` by `make docs`.

Settings stand in `group_data/GROUP.py` of the project or beside the inventory, or in a host's own data in the
inventory: `("app1", {{"front": {{"http_port": 8080}}}})`. They add up along pyinfra's precedence, the strongest first:
`--data`, the host, its groups (the last wins), `all`; in a group, the folder beside the inventory wins over the
project's. Sections are merged key by key, sections inside them too; a list is replaced as a whole,
but for `services`, where those of all places add up.

Unknown names are refused. Data of your own, for a `deploy.py` of yours, needs a name that starts with `{OWN}`, such as
`{OWN}role = "db"`. pyinfra's own names stay as they are: `ssh_user`, `_sudo`, and their kind.
"""


@dataclass(frozen=True)
class Setting:
    """One setting: `key` is its full name, with [] for an item of a list."""

    key: str
    type: str
    default: str
    unit: str
    expected: str
    meaning: str


@dataclass(frozen=True)
class Group:
    """A section, or the items of a list; "" is the top level."""

    key: str
    meaning: str
    settings: tuple[Setting, ...]


def groups() -> list[Group]:
    """List every section in the order of the models, the top level first."""
    return list(_groups(Settings, ""))


def _groups(model: type[BaseModel], key: str) -> Iterator[Group]:
    named = {f"{key}.{name}" if key else name: field for name, field in model.model_fields.items()}
    own = tuple(_setting(path, field) for path, field in named.items() if not _is_section(field))
    yield Group(key, (model.__doc__ or "").splitlines()[0], own)
    for path, field in named.items():
        if inner := model_in(field.annotation):
            yield from _groups(inner, path if _is_section(field) else f"{path}[]")


def _is_section(field: FieldInfo) -> bool:
    return isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel)


def _setting(key: str, field: FieldInfo) -> Setting:
    form = expected(field)
    return Setting(key, _type(field.annotation), _default(field), form.unit, form.form, field.description or "")


def _type(annotation: Any) -> str:
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin in (Union, UnionType):
        return " or ".join(dict.fromkeys(_type(one) for one in arguments if one is not NoneType))
    if origin is Literal:
        return "string"
    if origin is tuple:
        inner = _type(arguments[0])
        return f"list of {inner.replace('list', 'lists', 1) if inner.startswith('list') else f'{inner}s'}"
    if origin is not None and hasattr(annotation, "__metadata__"):
        return _type(arguments[0])
    names = {bool: "boolean", int: "integer", float: "number", str: "string"}
    if annotation in names:
        return names[annotation]
    return "dict"


def _default(field: FieldInfo) -> str:
    if field.default_factory is not None:
        return "{}"
    if field.default is PydanticUndefined:
        return "required"
    value = list(field.default) if isinstance(field.default, tuple) else field.default
    return "none" if value is None else repr(value).replace("'", '"')


def find(key: str) -> list[Group]:
    """Give a section with all that is in it, or the one setting.

    Raises:
        RollcallError: there is no such setting.
    """
    wanted = key.replace("[]", "").rstrip(".")
    found = []
    for group in groups():
        plain = group.key.replace("[]", "")
        if plain == wanted or plain.startswith(f"{wanted}."):
            found.append(group)
        elif own := tuple(one for one in group.settings if one.key.replace("[]", "") == wanted):
            found.append(Group(group.key, "", own))
    if not found:
        hint = f"did you mean {RENAMED[key]}?" if key in RENAMED else suggestion(key, names())
        raise RollcallError(f"{key}: unknown setting; {hint}")
    return found


def names() -> list[str]:
    """List every section and setting."""
    return [name for group in groups() for name in (group.key, *(one.key for one in group.settings)) if name]


def text(found: list[Group]) -> str:
    """Write settings for a terminal."""
    blocks = []
    for group in found:
        if group.meaning and group.settings:
            blocks.append(f"# {group.key or 'Top level'}: {group.meaning}")
        blocks += [_text(one) for one in group.settings]
    return "\n\n".join(blocks)


def _text(one: Setting) -> str:
    unit = f", in {one.unit}" if one.unit else ""
    return (
        f"{one.key} = {one.default}\n    {_ended(one.meaning)}\n    Type: {one.type}. Expected: {one.expected}{unit}."
    )


def _ended(sentence: str) -> str:
    return sentence if sentence.endswith(".") else f"{sentence}."


def markdown() -> str:
    """Write docs/settings.md."""
    parts = [_INTRODUCTION]
    for group in groups():
        parts.append(f"## {f'`{group.key}`' if group.key else 'Top level'}\n\n{group.meaning}\n")
        rows = [
            f"| `{one.key.rpartition('.')[2]}` | {one.type} | `{one.default}` | {one.unit} "
            f"| {_ended(one.meaning)} Expected: {one.expected} |"
            for one in group.settings
        ]
        header = ["| Setting | Type | Default | Unit | Meaning |", "| --- | --- | --- | --- | --- |"]
        parts.append("\n".join([*header, *(row.replace("|  |", "| |") for row in rows)]) + "\n")
    return "\n".join(parts)
