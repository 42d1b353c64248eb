"""Judge a change of Consul's version by the rules of its documentation. No I/O."""

import re

# "Each upgrade should jump at most 2 major versions" (developer.hashicorp.com/consul/docs/upgrade/instructions), by
# which it means 1.20 to 1.22; 2.0 comes after 1.22.
LONGEST_JUMP = 2
LAST_OF_ONE = 22
_VERSION = re.compile(r"^v?(\d+)\.(\d+)(?:\.(\d+))?(?:[-+].*)?$")


def refusal(running: str, wanted: str) -> str:
    """Return why Consul must not change from one version to the other, as the end of "got WANTED, …"; "" if it may.

    Args:
        running: the version that runs.
        wanted: the next one. Nothing is known of a version that is not of three numbers.
    """
    before, after = _numbers(running), _numbers(wanted)
    if before is None or after is None:
        return ""
    if after < before:
        return (
            f"and {running} runs, whose data an earlier Consul does not read; expected {running} or later; to go back, "
            "restore a snapshot of before the upgrade onto new servers"
        )
    if _release(after) - _release(before) > LONGEST_JUMP:
        return (
            f"and {running} runs; expected at most {_named(_release(before) + LONGEST_JUMP)} as the next step, since "
            "Consul's documentation allows two releases at a time"
        )
    return ""


def _numbers(version: str) -> tuple[int, int, int] | None:
    found = _VERSION.match(version)
    return (int(found[1]), int(found[2]), int(found[3] or 0)) if found else None


def _release(numbers: tuple[int, int, int]) -> int:
    """Count Consul's releases: 1.0 is 0, 2.0 comes after 1.22."""
    return numbers[1] + (numbers[0] - 1) * (LAST_OF_ONE + 1)


def _named(release: int) -> str:
    return f"1.{release}" if release <= LAST_OF_ONE else f"2.{release - LAST_OF_ONE - 1}"
