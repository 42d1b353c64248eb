"""The streams of declared services: the metadata that requests them, and what about them cannot work."""

from collections.abc import Iterable, Iterator

from rollcall.config.fleet import Fleet
from rollcall.config.front import stream
from rollcall.config.front.stream import ServiceStream
from rollcall.config.service import Service
from rollcall.contract import stream_metadata
from rollcall.contract.policies.streams import BY_KEY, TCP, TLS
from rollcall.contract.stream_metadata import MAX_NAMES, Place
from rollcall.registrator.services.meta import VALUE_BYTES

# Where a fault stands in its service, and its sentence.
Fault = tuple[tuple[str | int, ...], str]
_MORE = "front.streams takes more"


def metadata(service: Service, port: int) -> dict[str, str]:
    """Return the metadata of one of the service's ports that requests its streams."""
    own = [one for one in service.streams if _to(service, one) == port]
    if not own:
        return {}
    whole = [str(one.port) for one in own if not one.server_names]
    named = [f"{place.name}:{place.port}" for one in own if one.server_names for place in stream.places(one)]
    found = {TCP: "".join(whole[:1]), TLS: ", ".join(named)}
    found |= {BY_KEY[key].meta: value for key, value in stream.policies(own[0]).items()}
    return {f"SERVICE_{port}_{key}".upper(): value for key, value in found.items() if value}


def _to(service: Service, one: ServiceStream) -> int:
    return one.to or (*service.ports, 0)[0]


def faults(service: Service) -> Iterator[Fault]:
    """Return what is wrong with a service's streams by themselves."""
    seen: dict[Place, int] = {}
    for number, one in enumerate(service.streams):
        earlier = [other for other in service.streams[:number] if _to(service, other) == _to(service, one)]
        for path, sentence in (
            *_port(service, one),
            *_beside(one, earlier),
            *_sizes(service, one),
            *_places(one, seen),
        ):
            yield ("streams", number, *path), sentence
        seen |= dict.fromkeys(stream.places(one), number)


def _port(service: Service, one: ServiceStream) -> Iterator[Fault]:
    if one.to and service.ports and one.to not in service.ports:
        yield ("to",), f"got {one.to}; expected one of the service's ports: {', '.join(map(str, service.ports))}"
    to = _to(service, one)
    if any((route.port or (*service.ports, 0)[0]) == to for route in service.routes):
        yield (), f"got it for port {to}, which has routes; expected a port without routes; {_MORE}"


def _beside(one: ServiceStream, earlier: list[ServiceStream]) -> Iterator[Fault]:
    """Find what the metadata of one port cannot say: it has one port of the fronts, and one set of policies."""
    for other in earlier:
        if not one.server_names and not other.server_names:
            yield ("port",), f"got {one.port}, and {other.port} for the same port of the service; expected one; {_MORE}"
        for key in BY_KEY:
            got, wanted = getattr(one, key), getattr(other, key)
            if got != wanted:
                text = f"got {got!r}, and {wanted!r} in another stream of the same port; expected one for all"
                yield (key,), f"{text}; {_MORE}"


def _sizes(service: Service, one: ServiceStream) -> Iterator[Fault]:
    for key, value in stream.policies(one).items():
        if (size := len(value.encode())) > VALUE_BYTES:
            yield (key,), f"got {size} bytes; expected at most {VALUE_BYTES}, which Consul holds; {_MORE}"
    to = _to(service, one)
    named = metadata(service, to).get(f"SERVICE_{to}_{TLS}".upper(), "")
    if one.server_names and ((count := len(named.split(", "))) > MAX_NAMES or len(named) > VALUE_BYTES):
        text = f"got {count} names of one port in {len(named)} bytes; expected at most {MAX_NAMES} in {VALUE_BYTES}"
        yield ("server_names",), f"{text}; {_MORE}"


def _places(one: ServiceStream, seen: dict[Place, int]) -> Iterator[Fault]:
    places = stream.places(one)
    for position, place in enumerate(places):
        try:
            stream_metadata.check(place, tuple(stream.policies(one).items()))
        except ValueError as error:
            yield (), str(error).replace("virtual_", "")
        if place in seen or place in places[:position]:
            yield (), f"got {place} a second time; expected each place once"
        if any(_excludes(place, other) for other in seen):
            yield (), f"got port {one.port} with and without server_names; expected one of both"


def _excludes(place: Place, other: Place) -> bool:
    """Whether two places share a port, one of them for all of its connections."""
    same = (place.port, place.transport) == (other.port, other.transport)
    return same and bool(place.name) != bool(other.name)


def fleet_faults(service: Service, fleet: Fleet) -> Iterator[Fault]:
    """Return what is wrong with a service's streams beside the other services and the fronts."""
    others = _others(service, fleet)
    ports = {port for front in fleet.fronts for port in front.settings.front.metadata_ports}
    given = {place for place, name in _given(fleet) if name in map(service.registered_name, service.ports)}
    for number, one in enumerate(service.streams):
        for place in stream.places(one):
            for other, name in others:
                if place == other or _excludes(place, other):
                    yield ("streams", number), f"got {place}, and {name} has {other}; expected one of them"
            if fleet.fronts and place not in given and (place.port, place.transport) not in ports:
                listed = ", ".join(str(port) for port, transport in sorted(ports) if transport == place.transport)
                text = f"got {one.port}; expected a port of front.stream_ports ({listed or 'none yet'})"
                yield ("streams", number, "port"), text


def _given(fleet: Fleet) -> Iterable[tuple[Place, str]]:
    """Return the places that the fronts' settings give to services."""
    for front in fleet.fronts:
        for one in front.settings.front.streams:
            yield from ((place, one.service.rpartition(".")[2]) for place in stream.places(one))


def _others(service: Service, fleet: Fleet) -> list[tuple[Place, str]]:
    """Return the places of all others, with what has them."""
    own = set(map(service.registered_name, service.ports))
    found = {(place, f"front.streams for {name}"): None for place, name in _given(fleet) if name not in own}
    for member in fleet.members:
        for other in member.settings.services:
            if other.name != service.name:
                places = (place for one in other.streams for place in stream.places(one))
                found |= {(place, f"the service {other.name}"): None for place in places}
    return list(found)
