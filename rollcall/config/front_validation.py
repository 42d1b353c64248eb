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
