"""Which service gets the connections of a port: claims of group_data and of containers, and who wins."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from rollcall.contract import route_metadata, stream_metadata
from rollcall.contract.policies.table import Policies
from rollcall.contract.stream_metadata import Place, StreamMetadata
from rollcall.front.inputs.catalog import Instance
from rollcall.front.inputs.settings import Listen, Settings
from rollcall.front.routing.claims import PRECEDENCE, matches
from rollcall.front.routing.model import Complaint, Source, Stream
from rollcall.front.routing.upstreams import Upstreams

# Why the front cannot listen at a stream's port.
Refused = Mapping[Listen, str]


@dataclass(frozen=True)
class _Claim:
    """A service's claim to a place; `instances` are in any state."""

    place: Place
    source: Source
    service: str
    instances: tuple[Instance, ...]
    policies: Policies

    @property
    def rank(self) -> tuple[int, str, Place]:
        """The sort key; the lowest claim wins, and decides whether its port is one stream or several by name."""
        return PRECEDENCE.index(self.source), self.service, self.place


def streams(
    instances: Sequence[Instance],
    settings: Settings,
    upstreams: Upstreams,
    complaints: list[Complaint],
    refused: Refused,
) -> tuple[Stream, ...]:
    """Return the streams that nginx serves, and complain about all others that were requested.

    Metadata opens no port but those that group_data lists: any container may claim one.
    """
    by_port: dict[Listen, list[_Claim]] = {}
    for claim in (*_declared(instances, settings), *_requested(instances, settings, complaints)):
        listen = Listen(settings.address, claim.place.port, claim.place.transport)
        if listen in refused:
            complaints.append(Complaint("port", f"{claim.place} leads nowhere: {refused[listen]}"))
        else:
            by_port.setdefault(listen, []).append(claim)
    won = [claim for claims in by_port.values() for claim in _winners(claims, complaints)]
    return tuple(
        Stream(
            claim.place,
            upstreams.stream_name(claim.place.transport, (claim.service,), claim.instances),
            claim.source,
            claim.policies,
        )
        for claim in sorted(won, key=lambda claim: claim.place)
    )


def _winners(claims: Sequence[_Claim], complaints: list[Complaint]) -> Iterator[_Claim]:
    """Choose among the claims to one port: one for all of its connections, or one for each name."""
    first, *others = sorted(claims, key=lambda claim: claim.rank)
    won = {first.place.name: first}
    for other in others:
        if bool(other.place.name) == bool(first.place.name) and other.place.name not in won:
            won[other.place.name] = other
            continue
        winner = won.get(other.place.name, first)
        if winner.service != other.service:
            because = "by group_data" if winner.source == "declared" else "as the name that sorts first"
            text = f"{winner.place} goes to {winner.service} {because}; {other.service} claims {other.place}, too"
            complaints.append(Complaint("stream", text))
    yield from won.values()


def _declared(instances: Sequence[Instance], settings: Settings) -> Iterator[_Claim]:
    for stream in settings.streams:
        own = tuple(instance for instance in instances if matches(instance, stream.service))
        for place in stream.places:
            members = tuple(instance for instance in own if instance.udp == (place.transport == "udp"))
            yield _Claim(place, "declared", stream.service.rpartition(".")[2], members, stream.policies)


def _requested(instances: Sequence[Instance], settings: Settings, complaints: list[Complaint]) -> Iterator[_Claim]:
    """Read what containers request; complain about what they may not have."""
    wanted: dict[tuple[Place, str], dict[Policies, list[Instance]]] = {}
    foreign: dict[Place, Instance] = {}
    declared = {(place, stream.service) for stream in settings.streams for place in stream.places}
    for instance in instances:
        if (found := _read(instance, complaints)) is None:
            continue
        for place in found.places:
            if (place.port, place.transport) in settings.stream_ports:
                by_policies = wanted.setdefault((place, instance.service), {})
                by_policies.setdefault(found.policies, []).append(instance)
            elif (place, instance.service) not in declared:
                text = f"{_named(instance)} gets no connections of {place}: front.stream_ports does not list it"
                complaints.append(Complaint("stream", text))
        foreign |= dict.fromkeys(found.foreign, instance)
    claimed = {place for place, _ in wanted}
    for place, instance in foreign.items():
        if place not in claimed:
            takes = "UDP" if instance.udp else "TCP"
            text = f"{_named(instance)} takes {takes}, so it gets no connections of {place}"
            complaints.append(Complaint("stream", text))
    for (place, service), by_policies in wanted.items():
        policies = min(
            by_policies, key=lambda policies: (-len(by_policies[policies]), by_policies[policies][0].identity)
        )
        yield _Claim(place, "metadata", service, tuple(by_policies[policies]), policies)
        for instance in (one for other in by_policies.keys() - {policies} for one in by_policies[other]):
            text = f"{_named(instance)} gets no connections of {place}: most instances have other policies"
            complaints.append(Complaint("stream", f"{text}; expected the same for all"))


def _read(instance: Instance, complaints: list[Complaint]) -> StreamMetadata | None:
    try:
        found = stream_metadata.read(dict(instance.meta), udp=instance.udp)
        if found:
            route_metadata.check_service(instance.service)
    except ValueError as error:
        text = f"{_named(instance)} gets no connections because of its metadata: {error}"
        complaints.append(Complaint("stream", text))
        return None
    return found


def _named(instance: Instance) -> str:
    return f"{route_metadata.cut(instance.identity)} of {route_metadata.cut(instance.service)}"
