"""The service that decides who gets in (the policy forward_auth)."""

from collections.abc import Iterable

from rollcall.front.inputs.catalog import Instance
from rollcall.front.routing.claims import Claim
from rollcall.front.routing.model import Complaint


def sign_in_service(claim: Claim, instances: Iterable[Instance], complaints: list[Complaint]) -> Claim | None:
    """Return the service that nginx asks about a route's requests, as a claim for its upstream; None without one."""
    service = claim.options.policy("forward_auth").partition("/")[0]
    if not service:
        return None
    own = tuple(instance for instance in instances if instance.service == service)
    if not own:
        text = f"{' and '.join(claim.services)} lets nobody in: forward_auth names {service}, which is not registered"
        complaints.append(Complaint("metadata", text))
    return Claim("metadata", (service,), own)
