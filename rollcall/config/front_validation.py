"""Check the settings of one front against each other."""

from rollcall.config.fleet import Locate, Member
from rollcall.errors import RollcallError


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
        values = route.model_dump()
        users = values["basic_auth"]
        if users and users not in front.users:
            known = ", ".join(front.users) or "none yet"
            where = f"{locate(member.name, ('front', 'routes', number, 'basic_auth'))}front.routes[{number}].basic_auth"
            raise RollcallError(f"{where}: got {users!r}; expected one of front.users ({known})")
        if values["redirect_from"] and route.host.startswith("*"):
            key = "redirect_from"
            where = f"{locate(member.name, ('front', 'routes', number, key))}front.routes[{number}].{key}"
            raise RollcallError(f"{where}: got it for {route.host!r}; expected a route with an exact host")
