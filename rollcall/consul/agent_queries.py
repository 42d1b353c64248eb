"""Build a shell command that reads paths from a server's own agent with a read-only token."""

from rollcall.consul import deploy_lock, members
from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched

# In the agent's folder on every server: the header with the token.
HEADER = "auditor/token.header"
HEALTH = "/v1/operator/autopilot/health"
POLICIES = "/v1/acl/policies"
TOKENS = "/v1/acl/tokens"
LOCK = deploy_lock.PATH
MEMBERS, NODES = members.PATH, members.NODES
# What a deploy reads from every server, and from the first one, in this order.
EVERY_SERVER = (HEALTH, MEMBERS)
FIRST_SERVER = (*EVERY_SERVER, POLICIES, TOKENS, LOCK)


_ON_HOST = f"/etc/rollcall/consul/{HEADER}"


def responses(output: str, count: int) -> list[str]:
    """Return the responses in the output of `command`, one for each of its paths; "" for one without a response."""
    # A blank line is a request that was not answered, and the place of the next stays.
    return [*output.split("\n"), *[""] * count][:count]


def command_on_servers(*paths: str) -> str:
    """Build the command for any host; it prints nothing if no server was deployed there."""
    return f"[ ! -f {_ON_HOST} ] || {{ {command(*paths)}; }}"


def command(*paths: str) -> str:
    """Build the command; it prints one line for each path.

    Without curl on the host it runs the image's, although `docker exec` takes 100 ms.
    """
    urls = " ".join(f"{local_agent.URL}{path}" for path in paths)
    curl = f"curl -s --max-time {stretched(3):g} -w '\\n' -H"
    return f"{curl} @{_ON_HOST} {urls} || docker exec consul {curl} @/consul/config/{HEADER} {urls}"
