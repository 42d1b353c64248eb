"""Fill in Compose's variables, ${NAME:-default}: a file gives their defaults, and nothing else."""

import re
from dataclasses import dataclass

_VARIABLE = re.compile(
    r"\$(?:(?P<dollar>\$)|\{(?P<braced>[A-Za-z_][A-Za-z0-9_]*)(?P<rest>[^{}]*)\}|(?P<name>[A-Za-z_][A-Za-z0-9_]*))"
)


@dataclass(frozen=True)
class Missing:
    """A text with a variable that has no default."""

    variable: str


def filled(text: str) -> str | Missing:
    """Return a text with the default of each variable, or the first variable without one."""
    missing: list[str] = []

    def value(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        operator, default = _split(match["rest"] or "")
        if operator == "-":
            return default
        # An unset variable: its replacement is not used.
        if operator != "+":
            missing.append(match["braced"] or match["name"])
        return ""

    result = _VARIABLE.sub(value, text)
    return Missing(missing[0]) if missing else result


def _split(rest: str) -> tuple[str, str]:
    rest = rest.removeprefix(":")
    return rest[:1], rest[1:]


def missing_in(value: object) -> Missing | None:
    """Return the first variable without a value inside a value."""
    if isinstance(value, Missing):
        return value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return next((found for part in inner if (found := missing_in(part))), None)
