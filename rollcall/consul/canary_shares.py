"""Parse a user's canary shares by tag, and describe the resulting shares of requests."""

import re
from collections.abc import Collection, Mapping, Sequence

from rollcall.contract.canary import WHOLE_PERCENT, Percentages, shares
from rollcall.did_you_mean import suggestion
from rollcall.errors import RollcallError

Percents = Mapping[str, int]


def read(given: Sequence[str]) -> Percents:
    """Parse several TAG=PERCENT.

    Raises:
        RollcallError: a share is malformed, a tag is given twice, or the shares exceed 100 % together.
    """
    found: dict[str, int] = {}
    for text in given:
        tag, equals, percent = text.rpartition("=")
        if not (tag and equals and re.fullmatch("[0-9]{1,3}", percent, re.ASCII) and int(percent) <= WHOLE_PERCENT):
            raise RollcallError(f"got {text!r}; expected TAG=PERCENT with an integer from 0 to 100, as in v2=10")
        if tag in found:
            raise RollcallError(f"got the tag {tag!r} twice; expected one share for each tag")
        found[tag] = int(percent)
    if sum(found.values()) > WHOLE_PERCENT:
        raise RollcallError(
            f"got {' and '.join(given)}, {sum(found.values())} % together; expected at most 100: the instances without "
            "these tags share the rest"
        )
    return found


def check(percents: Percents, service: str, services: Mapping[str, Collection[str]]) -> None:
    """Check that the catalog, as tags by service, has this service and these tags.

    Raises:
        RollcallError: the service or a tag is missing.
    """
    if service not in services:
        raise RollcallError(f"the catalog has no service {service!r}; {suggestion(service, services)}")
    for tag in percents:
        if tag not in services[service]:
            raise RollcallError(
                f"no instance of {service} has the tag {tag!r}; {suggestion(tag, services[service])}; "
                "expected a tag that a container carries, as by SERVICE_TAGS=v2"
            )


def words(service: str, percentages: Percentages | None, instances: Sequence[Sequence[str]]) -> str:
    """Describe how a service's requests are shared.

    Args:
        service: its name.
        percentages: the requested shares; None for no canary.
        instances: the tags of each instance in service.
    """
    if percentages is None:
        return f"{service}: no canary; {_count(len(instances))} {'has' if len(instances) == 1 else 'have'} all requests"
    shared = shares([(tags, 1) for tags in instances], percentages)
    groups = [next((tag for tag in percentages if tag in tags), None) for tags in instances]
    parts = []
    for group in (*percentages, None):
        mine = [share for share, of in zip(shared, groups, strict=True) if of == group]
        name = "the rest" if group is None else group
        wanted = (
            ""
            if group is None or sum(mine) * WHOLE_PERCENT == percentages[group]
            else f", {percentages[group]} % requested"
        )
        parts.append(f"{name} {float(sum(mine) * WHOLE_PERCENT):.3g} % ({_count(len(mine))}{wanted})")
    return f"{service}: {', '.join(parts)}"


def _count(instances: int) -> str:
    return f"{instances} instance{'' if instances == 1 else 's'}"
