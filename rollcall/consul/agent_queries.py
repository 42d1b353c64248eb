"""Build a shell command that reads paths from a server's own agent with a read-only token."""

from rollcall.contract import local_agent
from rollcall.contract.timeouts import stretched

# In the agent's folder on every server: the header with the token.
HEADER = "auditor/token.header"
HEALTH = "/v1/operator/autopilot/health"
POLICIES = "/v1/acl/policies"
TOKENS = "/v1/acl/tokens"


_ON_HOST = f"/etc/rollcall/consul/{HEADER}"


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


# `printf` is a builtin, so the token is in no argument list; the agent's image has curl if the host does not.
_ASKING = r"""
ask() {{
  printf 'X-Consul-Token: %s\n' "$(cat {token} 2>/dev/null)" | "$@" -s --max-time {seconds:g} -w '\n' -H @-
}}
asked() {{ ask curl "$@" 2>/dev/null || ask docker exec -i consul curl "$@" 2>&1; }}
"""


def asking(token: str) -> str:
    """Build a shell function `asked URL…` that asks the host's own agent, with the token in a file of the host."""
    return _ASKING.format(token=token, seconds=stretched(3)).strip()
