"""`rollcall settings`: print the reference of all settings, or one host's values with their places."""

from typing import TYPE_CHECKING

import click

from rollcall.components.loading import checked_fleet
from rollcall.console import out
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError

if TYPE_CHECKING:
    from rollcall.config.host_values import Value


@click.command()
@click.argument("words", metavar="[INVENTORY] [KEY]", nargs=-1)
@click.option("--host", metavar="HOST", help="Print the values of this host of INVENTORY, with file and line.")
@click.option("--set", "only_set", is_flag=True, help="With --host: leave out the defaults.")
@click.option("--markdown", is_flag=True, help="Write docs/settings.md.")
def settings(words: tuple[str, ...], host: str | None, only_set: bool, markdown: bool) -> None:
    """Print every setting with type, default, unit, and meaning; KEY is one, or a section.

    With --host, print that host's values in INVENTORY, each with its file and line.
    """
    if host is None:
        _print(_reference(words, markdown=markdown))
        return
    if not 1 <= len(words) <= 2 or markdown:
        raise click.UsageError("expected: rollcall settings INVENTORY --host HOST [KEY]")
    for line in _values(words[0], host, words[1] if len(words) > 1 else "", only_set=only_set):
        _print(line)


def _print(text: str) -> None:
    # Values are data: brackets are not markup, and programs need unbroken lines.
    out.print(text, markup=False, highlight=False, soft_wrap=True)


def _reference(words: tuple[str, ...], *, markdown: bool) -> str:
    from rollcall.config import reference

    if markdown and not words:
        return reference.markdown().rstrip("\n")
    if len(words) > 1 or markdown:
        raise click.UsageError("expected: rollcall settings [KEY], or rollcall settings INVENTORY --host HOST [KEY]")
    if words and (words[0].endswith(".py") or "/" in words[0] or words[0].startswith("@")):
        raise RollcallError(f"{words[0]}: got an inventory without a host; expected --host HOST")
    return reference.text(reference.find(words[0]) if words else reference.groups())


def _values(source: str, host: str, key: str, *, only_set: bool) -> list[str]:
    from rollcall.config import host_values

    chosen, fleet = checked_fleet(source)
    raw = {host.name: host.raw for host in chosen.hosts}
    if host not in raw:
        raise RollcallError(f"--host {host}: no such host in {source}; {suggestion(host, raw)}")
    values = host_values.of(raw[host], fleet.member(host))
    if key:
        values = host_values.below(values, key) or _no_value(key)
    shown = [value for value in values if not (only_set and value.is_default)]
    width = max((len(_assigned(one)) for one in shown if len(_assigned(one)) <= _COLUMN), default=0)
    return [f"{_assigned(one):{width}}  {one.origin}" for one in shown]


# Places align behind values of at most this many characters.
_COLUMN = 60


def _assigned(one: "Value") -> str:
    return f"{one.key} = {one.value!r}"


def _no_value(key: str) -> "tuple[Value, ...]":
    from rollcall.config import reference

    reference.find(key)
    return ()
