import ipaddress
import json

from rollcall.lab import layout
from rollcall.lab.catalogue import HOSTS as IMAGES
from rollcall.lab.catalogue import Recipe
from rollcall.lab.layout import HOSTS


def test_every_host_has_an_address_of_its_own_in_the_labs_network() -> None:
    network = ipaddress.ip_network(layout.SUBNET)
    taken = [layout.GATEWAY, layout.REGISTRY_ADDRESS, *(host.address for host in HOSTS)]
    assert all(ipaddress.ip_address(address) in network for address in taken)
    assert len(set(taken)) == len(taken)


def test_no_port_of_the_machine_is_used_twice() -> None:
    ports = [layout.REGISTRY_PORT, *(port for host in HOSTS for port in host.machine_ports)]
    assert len(set(ports)) == len(ports)


def test_the_front_is_published_at_8080_and_8443_and_nothing_else_is() -> None:
    published = {host.name: [(port.machine, port.host) for port in host.published] for host in HOSTS}
    assert published.pop("front1") == [(8080, 80), (8443, 443)]
    assert not any(published.values())


def test_a_hosts_engine_uses_the_labs_registry_first() -> None:
    source = IMAGES[layout.DEFAULT_ENGINE].source
    assert isinstance(source, Recipe)
    daemon = json.loads((source.directory / "daemon.json").read_text())
    assert daemon["registry-mirrors"] == [f"http://{layout.REGISTRY_ADDRESS}:5000"]
    assert daemon["insecure-registries"] == [f"{layout.REGISTRY_ADDRESS}:5000"]
