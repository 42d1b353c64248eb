"""Make a host's agent leave the cluster while it runs, so that nobody counts on it any more."""

from rollcall.config.inventory import Host
from rollcall.consul import curl
from rollcall.consul.leaving import DISABLE_RESTART, IS_RUNNING, LEAVE, LEAVE_TIMEOUT_SECONDS
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched
from rollcall.errors import RollcallError
from rollcall.remote.run import Shell


def agent_runs(host: Host) -> bool:
    """Return whether the host's agent runs. Raises RollcallError: the host does not respond."""
    return Shell(host).run(IS_RUNNING).output.strip() == "true"


def leave(host: Host, token: str) -> None:
    """Make the agent leave, which ends it; Docker does not start it again.

    Raises:
        RollcallError: it refuses. The cluster shows whether it has left: its response may end with it.
    """
    shell, longest = Shell(host), LEAVE_TIMEOUT_SECONDS
    shell.read(DISABLE_RESTART)
    given = curl.configuration([LEAVE], local_agent.URL, token, [f"max-time = {stretched(longest):g}"])
    result = shell.run(curl.ON_ANY_HOST, given, 2 * longest)
    for response in curl.responses(result.output):
        if response.status not in (0, curl.OK):
            raise RollcallError(f"the Consul agent of {host.name} refuses to leave: {response}")
