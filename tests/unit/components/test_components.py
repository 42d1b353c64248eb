"""The resources of each host of a fleet, as a user would see them on the host."""

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from own_components import resources
from six_hosts import checked, with_sample

from rollcall.components.component import HostFacts
from rollcall.config.fleet import Fleet
from rollcall.contract import timeouts
from rollcall.converge.resources import AbsentFile, Container, Directory, File, LeadingLine, Resource
from rollcall.secrets.store import Secrets

Desired = Callable[[Fleet, str], dict[str, tuple[Resource, ...]]]


def containers(resources: tuple[Resource, ...]) -> dict[str, Container]:
    return {resource.name: resource for resource in resources if isinstance(resource, Container)}


def text(resources: tuple[Resource, ...], name: str) -> str:
    (file,) = [resource for resource in resources if isinstance(resource, File) and resource.path.endswith(name)]
    return file.text


def test_three_servers_wait_for_each_other(fleet: Fleet, desired: Desired) -> None:
    resources = desired(fleet, "consul2")["Consul"]
    servers, configuration = text(resources, "15-servers.hcl"), text(resources, "10-agent.hcl")
    assert "bootstrap_expect = 3" in servers
    assert 'retry_join     = ["10.77.0.11", "10.77.0.12", "10.77.0.13"]' in servers
    assert "server = true" in configuration
    assert "raft_multiplier = 1" in configuration
    assert 'node_name  = "consul2"' in configuration


def test_every_other_host_has_a_client(fleet: Fleet, desired: Desired) -> None:
    for name in ("app1", "app2", "front1"):
        configuration = text(desired(fleet, name)["Consul"], "10-agent.hcl")
        assert "server = false" in configuration
        assert "bootstrap_expect" not in text(desired(fleet, name)["Consul"], "15-servers.hcl")
        assert "raft_multiplier" not in configuration


def test_agents_listen_on_loopback_and_the_bridge_only(fleet: Fleet, desired: Desired) -> None:
    agent = text(desired(fleet, "app1")["Consul"], "10-agent.hcl")
    assert 'client_addr = "127.0.0.1 172.17.0.1"' in agent
    assert 'dns   = "127.0.0.1"' in agent
    assert 'https = "127.0.0.1 10.77.0.21"' in agent


def test_a_front_may_follow_thousands_of_services(fleet: Fleet, desired: Desired) -> None:
    """consul-template keeps one connection to its own agent for each of them."""
    assert "http_max_conns_per_client = 8192" in text(desired(fleet, "front1")["Consul"], "10-agent.hcl")


def test_dns_responds_on_dockers_interfaces(fleet: Fleet, desired: Desired) -> None:
    lines = text(desired(fleet, "app1")["DNS"], "dnsmasq.conf").splitlines()
    assert {"interface=docker0", "interface=br-*", "except-interface=lo"} <= set(lines)
    assert not [line for line in lines if line.startswith("listen-address")]


def test_one_server_bootstraps_alone(single: Fleet, desired: Desired) -> None:
    resources = desired(single, "@local")
    assert "bootstrap_expect = 1" in text(resources["Consul"], "15-servers.hcl")
    assert containers(resources["Consul"])["consul"].hostname == "laptop"


def test_user_configuration_comes_after_ours(desired: Desired) -> None:
    fleet = checked(consul={"extra": {"log_level": "INFO"}}, consul_server={"extra": {"limits": {"x": 1}}})

    def read_by_consul(name: str) -> list[str]:
        files = [resource.path for resource in desired(fleet, name)["Consul"] if isinstance(resource, File)]
        return sorted(path for path in files if re.fullmatch(r"/etc/rollcall/consul/[^/]+\.(hcl|json)", path))

    assert read_by_consul("consul1")[-2:] == [
        "/etc/rollcall/consul/50-extra.json",
        "/etc/rollcall/consul/60-server-extra.json",
    ]
    assert read_by_consul("app1")[-1] == "/etc/rollcall/consul/50-extra.json"
    assert '"log_level": "INFO"' in text(desired(fleet, "app1")["Consul"], "50-extra.json")


def test_the_gossip_key_is_in_a_closed_file_and_nowhere_else(fleet: Fleet, desired: Desired) -> None:
    for name in ("consul1", "app1", "front1"):
        for made in desired(fleet, name).values():
            for resource in made:
                if isinstance(resource, File) and "Z29zc2lw" in resource.text:
                    assert resource.path == "/etc/rollcall/consul/20-gossip.json"
                    assert (resource.mode, resource.owner) == (0o600, "100:1000")
                else:
                    assert "Z29zc2lw" not in repr(resource)


def test_private_keys_are_closed(fleet: Fleet, desired: Desired) -> None:
    resources = [*desired(fleet, "front1")["front"], *desired(fleet, "app1")["services"]]
    keys = [resource for resource in resources if isinstance(resource, File) and "KEY-" in resource.text]
    assert [key.mode for key in keys] == [0o600, 0o400, 0o400]
    folders = {resource.path: resource.mode for resource in resources if isinstance(resource, Directory)}
    assert all(folders[key.path.rsplit("/", 1)[0]] == 0o700 for key in keys)


def test_several_hosts_publish_on_their_own_address(fleet: Fleet, desired: Desired) -> None:
    resources = desired(fleet, "app1")
    assert "-ip=10.77.0.21" in containers(resources["registrator"])["registrator"].command
    backends = containers(resources["services"])
    assert sorted(backends) == ["nginx-1", "webserver-1", "webserver-2"]
    assert {port.address for one in backends.values() for port in one.ports} == {"10.77.0.21"}


def test_one_host_uses_container_addresses(single: Fleet, desired: Desired) -> None:
    resources = desired(single, "@local")
    assert "-internal" in containers(resources["registrator"])["registrator"].command
    assert all(not one.ports and one.exposed == (80, 443) for one in containers(resources["services"]).values())


def test_rollcalls_own_containers_are_not_services(fleet: Fleet, desired: Desired) -> None:
    for name in ("consul1", "app1", "front1"):
        for component, made in desired(fleet, name).items():
            for one in containers(made).values():
                assert (("SERVICE_IGNORE", "true") in one.environment) is (component != "services")


def test_hosts_without_a_role_have_neither_backends_nor_front(fleet: Fleet, desired: Desired) -> None:
    resources = desired(fleet, "consul1")
    assert (resources["services"], resources["front"]) == ((), ())


def test_a_changed_setting_changes_only_its_component(fleet: Fleet, desired: Desired) -> None:
    other = with_sample(front={"server_name": "www.example.com"})
    before, after = desired(fleet, "front1"), desired(other, "front1")
    assert [component for component in before if before[component] != after[component]] == ["front"]
    assert containers(before["front"]) == containers(after["front"])  # nginx takes it up as it runs


def test_dns_keeps_the_resolvers_of_before(fleet: Fleet, desired: Desired) -> None:
    resources = desired(fleet, "app1")["DNS"]
    assert text(resources, "upstream.conf") == "nameserver 10.0.0.53\n"
    assert LeadingLine("/etc/resolv.conf", "nameserver 172.17.0.1") in resources
    assert "server=/consul/127.0.0.1#8600" in text(resources, "dnsmasq.conf")


def test_dns_follows_the_domain(desired: Desired) -> None:
    fleet = checked(consul={"domain": "lab.example"})
    assert "server=/lab.example/127.0.0.1#8600" in text(desired(fleet, "app1")["DNS"], "dnsmasq.conf")
    assert 'domain     = "lab.example"' in text(desired(fleet, "app1")["Consul"], "10-agent.hcl")


def test_dns_can_be_left_alone(desired: Desired) -> None:
    resources: Any = desired(checked(dns={"enabled": False}), "app1")["DNS"]
    assert {type(resource) for resource in resources} == {AbsentFile, LeadingLine}
    assert LeadingLine("/etc/resolv.conf", "nameserver 172.17.0.1", present=False) in resources


def test_a_slow_host_stretches_the_deadlines_in_its_containers(desired: Desired) -> None:
    fleet = checked(timeout_factor=4)
    try:
        parts = desired(fleet, "front1")
        running = {name: one for part in parts.values() for name, one in containers(part).items()}
        for name in ("registrator", "front"):
            assert ("ROLLCALL_TIMEOUT_FACTOR", "4") in running[name].environment
        assert "proxy_connect_timeout 4s;" in text(parts["front"], "nginx.conf")
        assert running["consul"].stop_timeout == 60
    finally:
        timeouts.use([1])


def test_limits_fit_a_small_machine(fleet: Fleet, facts: HostFacts, secret: Secrets) -> None:
    parts = resources(fleet, "front1", replace(facts, memory=980), secret)
    limits = {name: one.memory for part in parts.values() for name, one in containers(part).items()}
    assert (limits["front"], limits["consul"]) == (768, 512)
    assert all(limit <= 768 for limit in limits.values())
