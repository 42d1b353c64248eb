"""What a dry run says of settings: each value once, with its place and the hosts that have it."""

from rollcall.config import host_values, validation
from rollcall.config.fleet import RawHost, nowhere
from rollcall.config.layers import Layer, merged


def raw(name: str, group: str, *layers: Layer) -> RawHost:
    return RawHost(name, frozenset({group}), merged(layers), layers)


def test_summary_of_a_fleet() -> None:
    everywhere = Layer("absent/all.py", "all", {"consul": {"domain": "lab", "extra": {"encrypt": "secret"}}})
    hosts = [
        raw("a", "consul_servers", everywhere, Layer("shop.py", "", {"address": "10.0.0.1"})),
        raw("b", "fronts", everywhere, Layer("shop.py", "", {"address": "10.0.0.2", "consul": {"memory": 300}})),
    ]
    fleet = validation.check("shop", hosts, "laptop", nowhere)
    lines = host_values.summary({host.name: host_values.of(host, fleet.member(host.name)) for host in hosts})
    assert lines == [
        "address = '10.0.0.1'  # shop.py (a)",
        "address = '10.0.0.2'  # shop.py (b)",
        "consul.domain = 'lab'  # absent/all.py",
        "consul.extra.encrypt = …  # absent/all.py",
        "consul.memory = 300  # shop.py (b)",
    ]


def test_services_show_their_names_and_every_place() -> None:
    shop = {"name": "shop", "image": "shop:1", "environment": {"KEY": "secret"}}
    layers = (
        Layer("absent/all.py", "all", {"services": [shop], "address": "10.0.0.1"}),
        Layer("absent/apps.py", "apps", {"services": [{"name": "cart", "image": "cart:1"}]}),
    )
    host = raw("a", "consul_servers", *layers)
    member = validation.check("shop", [host], "laptop", nowhere).member("a")
    lines = host_values.summary({"a": host_values.of(host, member)})
    assert "services = ['shop', 'cart']  # absent/all.py, absent/apps.py" in lines
    assert not any("secret" in line for line in lines)
