"""Find the host whose agent leads Consul's servers."""

from rollcall.config.fleet import Fleet
from rollcall.config.inventory import Host, Inventory
from rollcall.consul.agent_client import AgentClient, Request
from rollcall.consul.pick_agent import pick_agent

PATH = "/v1/status/leader"


def address(body: str) -> str:
    """Return the leader's address from the response to PATH; "" without a leader."""
    return body.strip().strip('"').rpartition(":")[0]


def leader(source: str, chosen: Inventory, fleet: Fleet, token: str) -> Host | None:
    """Return the leader's host; None if Consul has no leader, or one that is in no inventory.

    Raises:
        RollcallError: no host has an agent that runs.
    """
    response = AgentClient(pick_agent(source, chosen), token).response(Request("GET", PATH))
    found = address(response.body)
    names = [member.name for member in fleet.servers if member.address == found]
    return next((host for host in chosen.hosts if host.name in names), None)
