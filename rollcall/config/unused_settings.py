"""Refuse settings that nothing in the fleet uses, since another setting turns off what they are for."""

from collections.abc import Callable
from dataclasses import dataclass

from rollcall.config.fleet import Fleet, Locate, Member
from rollcall.config.settings import Settings
from rollcall.errors import RollcallError


@dataclass(frozen=True)
class _Need:
    """`keys` of a section are used on hosts where `used` holds; `wanted` says so in the words of the settings."""

    section: str
    keys: tuple[str, ...]
    used: Callable[[Settings], bool]
    wanted: str


_NEEDS = (
    _Need(
        "front",
        ("access_log_size", "access_log_keep"),
        lambda settings: settings.front.access_log == "file",
        'front.access_log = "file"',
    ),
    _Need(
        "front",
        ("virtual_interface", "virtual_router"),
        lambda settings: bool(settings.front.virtual_address),
        "front.virtual_address",
    ),
    _Need(
        "front",
        ("fail_timeout",),
        lambda settings: settings.front.max_fails > 0,
        "front.max_fails of at least 1",
    ),
    _Need(
        "template_sync",
        ("keys",),
        lambda settings: bool(settings.template_sync.templates),
        "template_sync.templates",
    ),
)


def check(fleet: Fleet, locate: Locate) -> None:
    """Check that each given setting has an effect on at least one host; group data may give it to others, too.

    Raises:
        RollcallError: one has none.
    """
    for need in _NEEDS:
        hosts = [one for one in fleet.members if one.is_front or need.section != "front"]
        if any(need.used(one.settings) for one in hosts):
            continue
        for one in hosts:
            _check_host(need, one, locate)


def _check_host(need: _Need, member: Member, locate: Locate) -> None:
    section = getattr(member.settings, need.section)
    for key in need.keys:
        if key in section.model_fields_set:
            raise RollcallError(
                f"{locate(member.name, (need.section, key))}{need.section}.{key}: got {getattr(section, key)!r} "
                f"without {need.wanted}; expected both, or neither"
            )
