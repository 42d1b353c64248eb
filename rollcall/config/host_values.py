"""The settings of one host with the place that each value comes from."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from rollcall.config import setting_location
from rollcall.config.fleet import Member, RawHost
from rollcall.config.layers import ADDED, assignments, leaves

DEFAULT = "default"
Path = tuple[str, ...]


@dataclass(frozen=True)
class Value:
    """A setting of a host: what it is, where that stands, and which values it overrides there."""

    path: Path
    value: Any
    place: str
    overridden: tuple[tuple[Any, str], ...] = ()

    @property
    def key(self) -> str:
        """Its full name."""
        return ".".join(self.path)

    @property
    def is_default(self) -> bool:
        """Whether nobody set it."""
        return self.place == DEFAULT

    def __str__(self) -> str:
        """Give one line."""
        return f"{self.key} = {self.value!r}  {self.origin}"

    @property
    def origin(self) -> str:
        """Say where it comes from, and instead of what."""
        instead = "".join(f"; overrides {value!r} of {place}" for value, place in self.overridden)
        return f"# {self.place}{instead}"


def of(raw: RawHost, member: Member) -> tuple[Value, ...]:
    """List every setting of a host, in the order of the models."""
    return tuple(_value(raw, path, value) for path, value in _plain(member.settings.model_dump()))


def _plain(data: Mapping[str, Any]) -> Iterator[tuple[Path, Any]]:
    for path, value in leaves(data):
        yield path, _listed(value)


def _listed(value: Any) -> Any:
    """Write tuples as the lists that people wrote."""
    if isinstance(value, tuple | list):
        return [_listed(one) for one in value]
    return {key: _listed(one) for key, one in value.items()} if isinstance(value, dict) else value


def _value(raw: RawHost, path: Path, value: Any) -> Value:
    found = assignments(raw.layers, path)
    if not found:
        return Value(path, value, DEFAULT)
    if path[0] in ADDED:
        places = [str(setting_location.place(one.layer, raw.name, path)) for one in reversed(found)]
        return Value(path, value, ", ".join(places))
    first, *others = found
    return Value(
        path,
        value,
        str(setting_location.place(first.layer, raw.name, path)),
        tuple((one.value, str(setting_location.place(one.layer, raw.name, path))) for one in others),
    )


def below(values: Sequence[Value], key: str) -> tuple[Value, ...]:
    """Pick one setting, or all of a section."""
    return tuple(one for one in values if one.key == key or one.key.startswith(f"{key}."))


def summary(values: Mapping[str, Sequence[Value]]) -> list[str]:
    """Say what is set for the hosts of a deploy, one line for all hosts that have a value from the same place.

    Consul's own keys and a service's environment may hold secrets, and a dry run ends in logs: they are left out.
    """
    hosts: dict[str, list[str]] = {}
    for host, own in values.items():
        for one in own:
            if not one.is_default:
                shown = _without_secrets(one)
                hosts.setdefault(str(shown), []).append(host)
    return [
        line if len(those) == len(values) else f"{line} ({', '.join(those)})" for line, those in sorted(hosts.items())
    ]


def _without_secrets(one: Value) -> Value:
    """Hide Consul's own keys, and show only the names of services."""
    if one.path[0] in ADDED:
        return replace(one, value=[item["name"] for item in one.value])
    return replace(one, value=_HIDDEN, overridden=()) if "extra" in one.path else one


class _Hidden:
    def __repr__(self) -> str:
        return "…"


_HIDDEN = _Hidden()
