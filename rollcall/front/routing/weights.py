"""The weights of an upstream's servers where a canary decides how requests are shared."""

from collections.abc import Mapping
from fractions import Fraction
from math import gcd

from rollcall.contract import canary
from rollcall.front.inputs.catalog import Instance

# The smallest weight: what rounding to whole numbers changes is then at most half a percent of a share.
FINENESS = 100


def with_canaries(
    own: Mapping[Instance, int], percentages: Mapping[str, canary.Percentages]
) -> dict[Instance, Fraction]:
    """Divide each service's part of the requests by its canary's percentages; against the other services it stays."""
    by_service: dict[str, list[Instance]] = {}
    for instance in own:
        by_service.setdefault(instance.service, []).append(instance)
    divided = {}
    for service, instances in by_service.items():
        total = sum(own[one] for one in instances)
        parts = canary.shares([(one.tags, own[one]) for one in instances], percentages.get(service, {}))
        divided.update({one: part * total for one, part in zip(instances, parts, strict=True)})
    return divided


def whole(divided: Mapping[Instance, Fraction]) -> dict[Instance, int]:
    """Make whole numbers of them, as nginx wants them, in the same proportions; nought stays nought."""
    smallest = min((weight for weight in divided.values() if weight), default=Fraction(1))
    scaled = {one: round(weight / smallest * FINENESS) for one, weight in divided.items()}
    divisor = gcd(*scaled.values()) or 1
    return {one: weight // divisor for one, weight in scaled.items()}
