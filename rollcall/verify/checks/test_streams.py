"""Check that the fronts pass on each stream that group_data declares or a container claims, and to whom."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

from rollcall.config.fleet import Member
from rollcall.config.front import stream
from rollcall.contract import canary, route_metadata, stream_metadata
from rollcall.contract.policies.table import Policies
from rollcall.contract.stream_metadata import Place, StreamMetadata
from rollcall.contract.timeouts import stretched
from rollcall.registrator.services.services import Service
from rollcall.verify.catalog import Instance, passing
from rollcall.verify.check_error import CheckError, wait_until_none
from rollcall.verify.checks.test_front import FOLLOW_TIMEOUT_SECONDS
from rollcall.verify.cluster import Cluster

Report = Callable[[str], None]


def test_streams(cluster: Cluster, passed: Report, remark: Report) -> None:
    """Every stream leads to the passing instances of its service"""
    for front in cluster.fronts:
        problems = partial(_problems, cluster, front)
        left = wait_until_none(problems, FOLLOW_TIMEOUT_SECONDS, cluster.begun, cluster.probe_containers)
        if left:
            raise CheckError(
                f"streams that lead to the passing instances, within {stretched(FOLLOW_TIMEOUT_SECONDS):g} s",
                left,
                cluster.command_line(front.name, "docker exec front front status"),
            )
        found = _wanted(cluster, front)
        for text in found.unserved:
            remark(f"{front.name}: {text}")
        instances = {endpoint for one in found.places.values() for endpoint in one.required}
        passed(
            f"{front.name} has {len(found.places)} streams, to {len(instances)} instances"
            if found.places
            else f"{front.name} has no streams"
        )


@dataclass(frozen=True)
class _Reach:
    """Who must get the connections of a place, and who may."""

    required: frozenset[str]
    allowed: frozenset[str]


@dataclass(frozen=True)
class _Wanted:
    """The places that nginx must have, and a sentence for each claim that the front does not serve."""

    places: Mapping[Place, _Reach]
    unserved: tuple[str, ...]


@dataclass(frozen=True)
class _Claim:
    """A container's claim to a place; `endpoint` is "" while it does not pass."""

    service: str
    policies: Policies
    endpoint: str


def _problems(cluster: Cluster, front: Member) -> list[str]:
    wanted = _wanted(cluster, front).places
    served = cluster.nginx_streams(front) if wanted else {}
    found = (text for place, reach in sorted(wanted.items()) for text in _faults(place, reach, served.get(place)))
    return [f"{front.name}: {text}" for text in found]


def _faults(place: Place, reach: _Reach, served: frozenset[str] | None) -> Iterator[str]:
    if served is None:
        yield f"nginx does not have {place}"
        return
    yield from (f"{place} does not lead to {one}, which passes" for one in sorted(reach.required - served))
    yield from (f"{place} should not lead to {one}" for one in sorted(served - reach.allowed))


def _wanted(cluster: Cluster, front: Member) -> _Wanted:
    instances = cluster.catalog.instances()
    declared = {place: one.service for one in front.settings.front.streams for place in stream.places(one)}
    places = {place: _reach(cluster, place, passing(query, instances)) for place, query in declared.items()}
    claims, unserved = _claims(cluster, instances)
    for place, claimed in claims.items():
        names = {claim.service for claim in claimed}
        if names == {declared.get(place, "").rpartition(".")[2]}:
            continue
        if (place.port, place.transport) not in front.settings.front.metadata_ports:
            unserved.append(f"front.stream_ports does not list {place}, which {' and '.join(sorted(names))} claims")
        elif _is_contested(place, claimed, {*declared, *claims}) or place in declared:
            unserved.append(f"{place} is contested; claimed by {' and '.join(sorted(names))}")
        elif any(claim.endpoint for claim in claimed):
            # What another tool registered has no container here, and may be in rotation, too.
            reach = _reach(cluster, place, passing(claimed[0].service, instances))
            places[place] = replace(reach, required=reach.required & {claim.endpoint for claim in claimed})
    return _Wanted(places, tuple(unserved))


def _reach(cluster: Cluster, place: Place, instances: list[Instance]) -> _Reach:
    own = frozenset(one.endpoint for one in instances if one.udp == (place.transport == "udp"))
    # An instance with a share of 0 % is not in rotation.
    canaries = cluster.catalog.front_keys().keys() & {canary.PREFIX + one.service for one in instances}
    return _Reach(frozenset() if canaries else own, own)


def _is_contested(place: Place, claimed: list[_Claim], every: set[Place]) -> bool:
    """Whether others claim the place, differently, or the port with and without names."""
    port = (place.port, place.transport)
    forms = {bool(other.name) for other in every if (other.port, other.transport) == port}
    return len({(claim.service, claim.policies) for claim in claimed}) > 1 or len(forms) > 1


def _claims(cluster: Cluster, instances: tuple[Instance, ...]) -> tuple[dict[Place, list[_Claim]], list[str]]:
    """Return the claims of running containers, and what is wrong with the others."""
    alive = {(one.node, one.id): one.endpoint for one in instances if one.passing}
    claims: dict[Place, list[_Claim]] = {}
    wrong: list[str] = []
    for member in cluster.members:
        for service in cluster.expected(member).services.values():
            try:
                found = _read(service)
            except ValueError as error:
                wrong.append(f"{service.id} gets no connections because of its metadata: {error}")
                continue
            claim = _Claim(service.name, found.policies, alive.get((member.node, service.id), ""))
            for place in found.places:
                claims.setdefault(place, []).append(claim)
    return claims, wrong


def _read(service: Service) -> StreamMetadata:
    found = stream_metadata.read(service.meta, udp=service.udp)
    if found:
        route_metadata.check_service(service.name)
    return found or StreamMetadata(())
