"""What operators wrote to Consul's KV store: canaries and maintenance pages, and which of those keys have no effect."""

from collections.abc import Collection, Mapping

from rollcall.contract import canary, maintenance_page, route_metadata
from rollcall.front.routing.claims import Place
from rollcall.front.routing.model import Complaint


def percentages(
    keys: Mapping[str, str], services: Collection[str], complaints: list[Complaint]
) -> Mapping[str, canary.Percentages]:
    """Read each service's canary."""
    found = {}
    for key, value in sorted(keys.items()):
        if not key.startswith(canary.PREFIX):
            continue
        service = key.removeprefix(canary.PREFIX)
        named = f"Consul's key rollcall/front/{key}"
        if service not in services:
            complaints.append(Complaint("canary", f"{named} is for a service that is not registered"))
            continue
        try:
            found[service] = canary.read(value)
        except ValueError as error:
            complaints.append(Complaint("canary", f"{named} {error}"))
    return found


def pages_without_service(
    sentences: Mapping[Place, str], claimed: Collection[Place], complaints: list[Complaint]
) -> set[Place]:
    """Return the places of maintenance pages that no service claims: with all instances down, the page still shows."""
    found = set()
    for host, path in sorted(sentences.keys() - set(claimed)):
        place = f"{host or maintenance_page.DEFAULT_HOST}{path.rstrip('/')}"
        key = f"Consul's key rollcall/front/{maintenance_page.PREFIX}{place}"
        if _is_place(host, path):
            text = f"{key} is for a host and path that no service claims; nginx shows its page"
            found.add((host, path))
        else:
            text = f"{key}: invalid host and path; expected one such as {maintenance_page.PREFIX}shop.example.com/api"
        complaints.append(Complaint("maintenance", text))
    return found


def _is_place(host: str, path: str) -> bool:
    try:
        return (host == "" or route_metadata.host(host) == host) and route_metadata.path(path) == path
    except ValueError:
        return False
