"""Read canaries: Consul's key rollcall/front/canary/SERVICE holds percentages by tag, such as {"v2": 10}."""

import json
from collections.abc import Mapping, Sequence
from fractions import Fraction

PREFIX = "canary/"
WHOLE_PERCENT = 100
# Percent. Smaller shares would need weights beyond nginx's range.
MIN_PERCENT = 0.01

Percentages = Mapping[str, Fraction]


def read(text: str) -> Percentages:
    """Parse one key's value.

    Raises:
        ValueError: the fault, and the expected form.
    """
    expected = 'expected JSON such as {"v2": 10}, percentages by tag, 0 or from 0.01, together at most 100'
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"is not JSON; {expected}") from error
    if not isinstance(document, dict) or not all(_is_percentage(value) for value in document.values()):
        raise ValueError(f"is not a percentage for each tag; {expected}")
    found = {tag: Fraction(str(value)) for tag, value in sorted(document.items())}
    if sum(found.values()) > WHOLE_PERCENT:
        raise ValueError(f"adds up to {float(sum(found.values())):g} %; {expected}")
    return found


def shares(instances: Sequence[tuple[Sequence[str], int]], percentages: Percentages) -> tuple[Fraction, ...]:
    """Divide 1 among instances, each given by its tags and its weight.

    Instances with a tag divide its percentage by their weights; an instance with several of the tags counts for the
    alphabetically first. All other instances divide the rest, including the percentages of unused tags; without other
    instances, the tags divide everything. An instance with a share of 0 gets no requests.
    """
    groups = [next((tag for tag in percentages if tag in tags), None) for tags, _ in instances]
    wanted: dict[str | None, Fraction] = {tag: percentages[tag] for tag in percentages if tag in groups}
    if None in groups:
        wanted[None] = WHOLE_PERCENT - sum(wanted.values(), Fraction(0))
    total = sum(wanted.values(), Fraction(0))
    weights: dict[str | None, int] = dict.fromkeys(wanted, 0)
    for group, (_, weight) in zip(groups, instances, strict=True):
        weights[group] += weight
    part = {group: wanted[group] / total / weights[group] if total else Fraction(0) for group in wanted}
    return tuple(part[group] * weight for group, (_, weight) in zip(groups, instances, strict=True))


def _is_percentage(value: object) -> bool:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return False
    return value == 0 or MIN_PERCENT <= value <= WHOLE_PERCENT
