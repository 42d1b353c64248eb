"""Compute the weights of an upstream's servers when a canary divides the requests."""

from collections.abc import Mapping
from fractions import Fraction
from math import gcd

from rollcall.contract import canary
from rollcall.front.inputs.catalog import Instance

# The smallest weight, which limits the error of rounding to half a percent of a share.
FINENESS = 100


def with_canaries(
    own: Mapping[Instance, int], percentages: Mapping[str, canary.Percentages]
) -> dict[Instance, Fraction]:
    """Divide each service's share of the requests by its canary's percentages; services keep their shares."""
    by_service: dict[str, list[Instance]] = {}
    for instance in own:
        by_service.setdefault(instance.service, []).append(instance)
    divided = {}
    for service, instances in by_service.items():
        total = sum(own[instance] for instance in instances)
        parts = canary.shares([(instance.tags, own[instance]) for instance in instances], percentages.get(service, {}))
        divided.update({instance: part * total for instance, part in zip(instances, parts, strict=True)})
    return divided


def whole(divided: Mapping[Instance, Fraction]) -> dict[Instance, int]:
    """Round to integers in the same proportions, as nginx requires; 0 stays 0."""
    smallest = min((weight for weight in divided.values() if weight), default=Fraction(1))
    scaled = {instance: round(weight / smallest * FINENESS) for instance, weight in divided.items()}
    divisor = gcd(*scaled.values()) or 1
    return {instance: weight // divisor for instance, weight in scaled.items()}
