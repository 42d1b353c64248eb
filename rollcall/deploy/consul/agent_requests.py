"""Send requests to a host's own Consul agent during a deploy, over pyinfra's connection."""

from collections.abc import Sequence

from pyinfra.api.host import Host

from rollcall.consul import curl
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.deploy import callbacks

REQUEST_TIMEOUT_SECONDS = 10.0


def responses(
    host: Host,
    requests: Sequence[curl.AnyRequest],
    token: str,
    *,
    timeout: float = 0,
    command: str = curl.ON_ANY_HOST,
) -> list[curl.Response]:
    """Return a response to each request; of those that the agent did not answer, one of status 0.

    Args:
        host: the host whose agent is asked.
        requests: the requests, in order.
        token: the ACL token; it is only in the command's standard input.
        timeout: the longest time of each request in seconds; 0 for the usual one.
        command: what reads curl's configuration on the host.
    """
    longest = timeout or stretched(REQUEST_TIMEOUT_SECONDS)
    given = curl.configuration(requests, local_agent.URL, token, [f"max-time = {longest:g}"])
    _, output = callbacks.run(host, command, given)
    found = curl.responses(output.stdout)
    return [*found, *[curl.Response(0, "")] * (len(requests) - len(found))]
