"""A host's last deployed Consul agent, judged by its own files."""

from collections.abc import Callable
from typing import Any

from own_components import check
from six_hosts import checked, raw_hosts

from rollcall.components import consul
from rollcall.config.fleet import Fleet, RawHost, nowhere
from rollcall.converge.resources import File

Desired = Callable[[Fleet, str], dict[str, Any]]

MORE = [
    RawHost(name, frozenset({"consul_servers", "six"}), {"address": address})
    for name, address in (("consul4", "10.77.0.14"), ("consul5", "10.77.0.15"))
]


def files(desired: Desired, fleet: Fleet, name: str) -> dict[str, str]:
    return {thing.path: thing.text for thing in desired(fleet, name)["Consul"] if isinstance(thing, File)}


def test_a_server_is_known_by_its_files(fleet: Fleet, desired: Desired) -> None:
    assert [name for name in fleet_names(fleet) if consul.was_server(files(desired, fleet, name))] == [
        "consul1",
        "consul2",
        "consul3",
    ]


def test_a_host_that_keeps_its_name_is_not_renamed(fleet: Fleet, desired: Desired) -> None:
    for member in fleet.members:
        assert consul.renamed(member, files(desired, fleet, member.name)[consul.AGENT], "lab.py") == ""
        assert consul.renamed(member, "", "lab.py") == "", "it is new"


def test_the_error_about_a_changed_node_name_shows_how_to_keep_it(fleet: Fleet) -> None:
    sentence = consul.renamed(fleet.member("app1"), 'node_name  = "app"\ndatacenter = "dc1"\n', "lab.py")
    assert "got 'app1', but the Consul agent of app1 runs as 'app'" in sentence
    assert 'keep that name by ("app1", {"node": "app"}); for the new name, write that, ' in sentence
    assert "run `rollcall remove lab.py --host app1`, take it out again, and deploy" in sentence


def test_the_address_of_a_deployed_agent_is_in_its_file(fleet: Fleet, desired: Desired) -> None:
    member = fleet.member("consul2")
    agent = files(desired, fleet, member.name)[consul.AGENT]
    assert consul.deployed_address(agent) == member.address
    assert consul.deployed_address("") == "", "it is new"


def test_servers_of_which_none_stays_are_named(fleet: Fleet, desired: Desired) -> None:
    for member in fleet.members:
        assert consul.begins_anew(fleet, files(desired, fleet, member.name)[consul.SERVERS]) == ""
        assert consul.begins_anew(fleet, "") == "", "it is new"
    assert consul.begins_anew(fleet, 'retry_join     = ["10.77.0.13", "10.77.0.99"]\n') == ""
    sentence = consul.begins_anew(fleet, 'node_name = "x"\nretry_join     = ["10.77.0.98", "10.77.0.99"]\n')
    assert sentence.startswith("none of the fleet's Consul servers remains (10.77.0.98, 10.77.0.99)")


def test_no_agent_restarts_when_servers_come(desired: Desired) -> None:
    """By what a restart follows from: the container and its digest of files."""
    three = checked()
    five = check("six", [*raw_hosts(), *MORE], "laptop", nowhere)
    for member in three.members:
        before, after = (desired(fleet, member.name)["Consul"] for fleet in (three, five))
        (changed,) = [resource for resource in after if resource not in before]
        assert changed.path == consul.SERVERS
        assert "10.77.0.15" in changed.text
        assert not changed.notify


def fleet_names(fleet: Fleet) -> list[str]:
    return [member.name for member in fleet.members]
