"""Check the settings of one front against each other."""

from collections.abc import Mapping

from rollcall.config.fleet import Locate, Member
from rollcall.config.front import route_policies, stream
from rollcall.contract import stream_metadata
from rollcall.contract.stream_metadata import Place
from rollcall.errors import RollcallError

_DNS_PORT = 53


def check_proxy_protocol(member: Member, locate: Locate) -> None:
    """Check that the PROXY protocol has a trusted sender, and no check that does not send it.

    Raises:
        RollcallError: one is missing.
    """
    front = member.settings.front
    if not front.proxy_protocol:
        return
    where = f"{locate(member.name, ('front', 'proxy_protocol'))}front.proxy_protocol"
    if not front.trusted_proxies:
        raise RollcallError(
            f"{where}: got True without front.trusted_proxies; expected the networks of the load balancers that send it"
        )
    if front.virtual_address:
        raise RollcallError(
            f"{where}: got True with front.virtual_address, whose check of the front sends plain HTTP; "
            "expected one of them: a load balancer finds the front that serves by itself"
        )


def check_routes(member: Member, locate: Locate) -> None:
    """Check what a route's policies need of its other keys and of the front.

    Raises:
        RollcallError: it is missing.
    """
    front = member.settings.front
    for number, route in enumerate(front.routes):
        for key, sentence in (
            *route_policies.strip_faults(route.path, strip=route.strip),
            *route_policies.faults(route_policies.of(route), route.host, front.users),
        ):
            where = f"{locate(member.name, ('front', 'routes', number, key))}front.routes[{number}].{key}"
            raise RollcallError(f"{where}: {sentence}")


def check_streams(member: Member, locate: Locate, taken: Mapping[int, str]) -> None:
    """Check that streams have ports of their own, and each place once.

    Args:
        member: the host.
        locate: says where a setting stands.
        taken: ports of other programs, with their names.

    Raises:
        RollcallError: one has not.
    """
    front = member.settings.front
    status_port = int(front.status.rpartition(":")[2]) if front.status != "off" else 0
    own = {front.http_port: "front.http_port", front.https_port: "front.https_port", status_port: "front.status"}
    if front.address:
        # The resolver listens at other addresses.
        taken = {port: name for port, name in taken.items() if port != _DNS_PORT}
    found: dict[Place, int] = {}
    for number, one in enumerate(front.streams):
        where = f"{locate(member.name, ('front', 'streams', number))}front.streams[{number}]"
        _check_free(f"{where}.port", one.port, one.protocol, taken, own)
        if one.server_names and one.protocol == "udp":
            raise RollcallError(f'{where}.server_names: got names for "udp"; expected them for "tcp" alone')
        for place in stream.places(one):
            try:
                stream_metadata.check(place, tuple(stream.policies(one).items()))
            except ValueError as error:
                raise RollcallError(f"{where}: {str(error).replace('virtual_', '')}") from None
            if place in found:
                text = f"got {place}, which front.streams[{found[place]}] has; expected each place once"
                raise RollcallError(f"{where}: {text}")
            found[place] = number
        shared = [place for place in found if (place.port, place.transport) == (one.port, one.protocol)]
        if len({bool(place.name) for place in shared}) > 1:
            raise RollcallError(f"{where}: got port {one.port} with and without server_names; expected one of both")
    for number, text in enumerate(front.stream_ports):
        where = f"{locate(member.name, ('front', 'stream_ports', number))}front.stream_ports[{number}]"
        for port, transport in stream.ports_of(text):
            _check_free(where, port, transport, taken, own)
    count = len(front.metadata_ports | {(one.port, one.protocol) for one in front.streams})
    if count > stream.MAX_PORTS:
        where = f"{locate(member.name, ('front', 'stream_ports'))}front.stream_ports"
        raise RollcallError(f"{where}: got {count} ports with front.streams; expected at most {stream.MAX_PORTS}")


def _check_free(where: str, port: int, transport: str, taken: Mapping[int, str], own: Mapping[int, str]) -> None:
    name = taken.get(port) or (own.get(port) if transport == "tcp" else None)
    if name:
        raise RollcallError(
            f"{where}: got {port}, the port of {name}; expected a port that nothing else on the host uses"
        )
