"""What is known of the agents that ran before a deploy: complete before its first change, once all hosts are read."""

from collections.abc import Mapping

from rollcall.components import consul
from rollcall.config.fleet import Fleet
from rollcall.consul import members
from rollcall.consul.members import Agent
from rollcall.deploy.site import Site

# By inventory name, "" for a host without an agent.
_addresses: dict[str, str] = {}
_servers: set[str] = set()
_agents: set[Agent] = set()


def note(here: Site) -> None:
    """Remember a host's agent, as it was last deployed, and the agents that it knows."""
    name, texts = here.member.name, here.state.texts
    _addresses[name] = consul.deployed_address(texts.get(consul.AGENT, ""))
    if consul.was_server(here.state.files):
        _servers.add(name)
    _agents.update(here.agents)


def taken(here: Site, source: str) -> str:
    """Return an error if a host without an agent has the name of one that runs elsewhere, otherwise ""."""
    new = {one.node: one.address for one in here.fleet.members if _addresses.get(one.name) == ""}
    return members.taken(_agents, new, source)


def servers(here: Site) -> Mapping[str, str]:
    """Return the servers that were deployed before and stay, but for this host: node names by inventory name."""
    return {one.name: one.node for one in here.fleet.servers if one.name in _servers and one != here.member}


def keeps_a_server(fleet: Fleet) -> bool:
    """Return whether a server that was deployed before stays one, whatever its address."""
    return any(one.name in _servers for one in fleet.servers)


def others(here: Site) -> tuple[str, ...]:
    """Return where the agents of the other hosts may be: each at its address of before, or moved already."""
    return tuple(
        dict.fromkeys(
            address
            for one in here.fleet.members
            if one != here.member and _addresses.get(one.name)
            for address in (_addresses[one.name], one.address)
        )
    )


def moving(here: Site) -> frozenset[str]:
    """Return the hosts whose agent gets another address in this deploy, by inventory name."""
    return frozenset(
        one.name for one in here.fleet.members if _addresses.get(one.name) and _addresses[one.name] != one.address
    )
