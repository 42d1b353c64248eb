"""Which instances of front.services the default site may have."""

from collections.abc import Iterable

from rollcall.contract import route_metadata
from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.model import Complaint


def open_instances(instances: Iterable[Instance], complaints: list[Complaint]) -> tuple[Instance, ...]:
    """Return the instances without a limit of who gets in: the default site has none, and would open them to all."""
    found = dict.fromkeys(instances)
    limited = [instance for instance in found if route_metadata.limits_access(dict(instance.meta))]
    complaints.extend(
        Complaint(
            "metadata",
            f"{route_metadata.cut(instance.identity)} of {route_metadata.cut(instance.service)} gets no requests of "
            "the default site, since its metadata limits who gets in; expected front.routes with these limits",
        )
        for instance in limited
    )
    return tuple(instance for instance in found if instance not in limited)
