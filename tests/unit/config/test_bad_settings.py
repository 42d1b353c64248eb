"""Every mistake in the settings is one sentence: file and line, key, value, and what would be right."""

import textwrap
from pathlib import Path

import pytest

from rollcall.config import validation
from rollcall.config.fleet import RawHost, nowhere
from rollcall.errors import RollcallError

SERVER = {"consul_servers": ["s1"]}
FIVE = {f"s{number}": f"10.0.0.{number}" for number in range(1, 8)}


def refused(project: Path, data: str, group: str = "all", hosts: dict[str, list[str]] | None = None) -> str:
    """Write group data as a user would, load it as pyinfra would, and give the sentence."""
    groups = hosts or SERVER
    source = textwrap.dedent(data)
    (project / "group_data").mkdir()
    (project / "group_data" / f"{group}.py").write_text(source)
    values: dict[str, object] = {}
    exec(source, {}, values)
    names = dict.fromkeys(name for members in groups.values() for name in members)
    raw = []
    for name in names:
        own = frozenset(one for one, members in groups.items() if name in members)
        applies = group == "all" or group in own
        raw.append(RawHost(name, own, {"address": FIVE[name], **(values if applies else {})}))
    with pytest.raises(RollcallError) as refusal:
        validation.check("test", raw, "laptop", validation.locator(project, project / "inventory.py", raw))
    return str(refusal.value).replace(f"{project}/", "")


CASES = [
    ('consull = {"domain": "x"}', "group_data/all.py:1: unknown key consull; did you mean consul?"),
    ('consul = {"datcenter": "x"}', "group_data/all.py:1: unknown key consul.datcenter; did you mean datacenter?"),
    (
        'consul = {\n    "domain": "consul",\n    "datacenter": 5,\n}',
        "group_data/all.py:3: consul.datacenter is 5; right is",
    ),
    ('consul = {"datacenter": "DC 1"}', "consul.datacenter is 'DC 1'; right is lower-case letters"),
    ('consul = {"domain": ".consul."}', "consul.domain is '.consul.'; right is a DNS name"),
    ('consul = {"image": "Not An Image"}', "consul.image is 'Not An Image'; right is an image name"),
    ('consul = {"extra": "log_level"}', "consul.extra is 'log_level'; right is a dict"),
    ('consul = "dc1"', "group_data/all.py:1: consul is 'dc1'; right is a dict of settings"),
    ('consul_server = {"raft_multiplier": 0}', "consul_server.raft_multiplier is 0; right is a whole number from 1"),
    ('consul_server = {"raft_multiplier": "1"}', "consul_server.raft_multiplier is '1'; right is a whole number"),
    ('image_source = "download"', "image_source is 'download'; right is \"pull\""),
    ('front = {"image_source": "build"}', "front.image_source is 'build'; right is \"pull\""),
    ('registrator = {"mode": "external"}', "registrator.mode is 'external'; right is \"internal\""),
    ('registrator = {"resync": -1}', "registrator.resync is -1; right is seconds"),
    ('registrator = {"cleanup": "yes"}', "registrator.cleanup is 'yes'; right is True or False"),
    ('registrator = {"tags": "http"}', "registrator.tags is 'http'; right is a list of tags"),
    ('backends = [{"count": 2}]', "group_data/all.py:1: backends[0] has no name; right is a DNS label"),
    ('backends = [{"name": "web_server"}]', "backends[0].name is 'web_server'; right is a DNS label"),
    ('backends = [{"name": "web", "count": 51}]', "backends[0].count is 51; right is a whole number from 0 to 50"),
    ('backends = [{"name": "web", "cuont": 1}]', "unknown key backends[0].cuont; did you mean count?"),
    ('backends = {"name": "web"}', "backends is {'name': 'web'}; right is a list of dicts"),
    (
        'backends = [\n    {"name": "a"},\n    {"name": "a"},\n]',
        "group_data/all.py:3: backends[1].name is 'a' for the second",
    ),
    ('backends = [{"name": "consul"}]', "backends[0].name is 'consul', which is a part of Rollcall"),
    ('backends = [{"name": "web", "check_interval": 5}]', "backends[0].check_interval is 5; right is a time"),
    ('front = {"http_port": 80, "https_port": 80}', "front.http_port and front.https_port are both 80; right is two"),
    ('front = {"http_port": 8500}', "front.http_port is 8500, which is Consul's; right is a port"),
    ('front = {"https_port": 22}', "front.https_port is 22, which is SSH's; right is a port"),
    ('front = {"http_port": 70000}', "front.http_port is 70000; right is a port from 1 to 65535"),
    ('front = {"http_port": "80"}', "front.http_port is '80'; right is a port from 1 to 65535"),
    ('front = {"server_name": "a b"}', "front.server_name is 'a b'; right is a host name"),
    ('front = {"services": []}', "front.services is []; right is a list of at least one service"),
    ('front = {"services": ["a.b.c"]}', "front.services[0] is 'a.b.c'; right is a list"),
    ('front = {"routes": [{"host": "a.example.com"}]}', "front.routes[0] has no service; right is a service"),
    (
        'front = {"routes": [{"service": "a-80", "host": "a b"}]}',
        "front.routes[0].host is 'a b'; right is a host name such as \"shop.example.com\"",
    ),
    (
        'front = {"routes": [{"service": "a-80", "host": "a", "path": "/../x"}]}',
        "front.routes[0].path is '/../x'; right is a path such as \"/api\"",
    ),
    (
        'front = {"routes": [{"service": "a-80", "host": "a", "protocol": "ftp"}]}',
        'front.routes[0].protocol is \'ftp\'; right is "http", "https"',
    ),
    ('front = {"status": "8511"}', "front.status is '8511'; right is an IPv4 address and port"),
    ('front = {"status": "127.0.0.1:65536"}', "front.status is '127.0.0.1:65536'; right is an IPv4 address and port"),
    ('front = {"shutdown_timeout": 10}', "front.shutdown_timeout is 10; right is seconds"),
    ('front = {"old_generations": 0}', "front.old_generations is 0; right is how many"),
    ('front = {"keep_lost": 3601}', "front.keep_lost is 3601; right is seconds"),
    ('front = {"address": "localhost"}', "front.address is 'localhost'; right is an IPv4 address"),
    ('front = {"fail_timeout": "60s"}', "front.fail_timeout is '60s'; right is seconds"),
    (
        'front = {"certificate": "a.crt"}',
        "group_data/all.py:1: front.certificate is set and front.certificate_key is not",
    ),
    (
        'front = {"certificate_key": "a.key"}',
        "front.certificate_key is set and front.certificate is not; right is both",
    ),
    ('front = {"redirect": "yes"}', "group_data/all.py:1: front.redirect is 'yes'; right is False, True"),
    ('front = {"redirect": 0}', "front.redirect is 0; right is False, True"),
    ('front = {"max_body_size": "100 MB"}', "front.max_body_size is '100 MB'; right is a size such as"),
    ('dns = {"enabled": 1}', "dns.enabled is 1; right is True or False"),
    ('address = "10.0.0"', "address is '10.0.0'; right is the IPv4 address"),
]


@pytest.mark.parametrize(("data", "sentence"), CASES, ids=[data.replace("\n", "")[:50] for data, _ in CASES])
def test_bad_setting_is_one_sentence(tmp_path: Path, data: str, sentence: str) -> None:
    said = refused(tmp_path, data)
    assert sentence in said
    assert "\n" not in said


def test_group_file_is_named_rather_than_all(tmp_path: Path) -> None:
    said = refused(tmp_path, 'front = {"weigth": 2}', group="fronts", hosts={**SERVER, "fronts": ["s1"]})
    assert said == "group_data/fronts.py:1: unknown key front.weigth; did you mean weight?"


def test_host_data_in_the_inventory_is_named(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        'consul_servers = [\n    ("s1", {"address": "10.0.0.1"}),\n    ("s2", {"image_source": "x"}),\n]\n'
    )
    raw = [
        RawHost("s1", frozenset({"consul_servers"}), {"address": "10.0.0.1"}),
        RawHost("s2", frozenset(), {"address": "10.0.0.2", "image_source": "x"}),
    ]
    with pytest.raises(RollcallError, match=r"inventory\.py:3: image_source is 'x'"):
        validation.check("test", raw, "laptop", validation.locator(tmp_path, inventory, raw))


@pytest.mark.parametrize("count", [2, 4, 6])
def test_no_quorum_of_an_even_number(tmp_path: Path, count: int) -> None:
    said = refused(tmp_path, "", hosts={"consul_servers": list(FIVE)[:count]})
    assert f"consul_servers has {count} hosts" in said
    assert said.endswith("right is 1, 3 or 5")


def test_no_servers_at_all(tmp_path: Path) -> None:
    said = refused(tmp_path, "", hosts={"consul_server": ["s1"]})
    assert "no host of test is in the group consul_servers; did you write consul_server?" in said


def test_internal_mode_needs_one_host(tmp_path: Path) -> None:
    said = refused(tmp_path, 'registrator = {"mode": "internal"}', hosts={**SERVER, "backends": ["s2"]})
    assert "registrator.mode is 'internal' with 2 hosts" in said


def test_one_value_for_the_whole_fleet(tmp_path: Path) -> None:
    said = refused(tmp_path, 'consul = {"domain": "lab"}', group="backends", hosts={**SERVER, "backends": ["s2"]})
    assert said.startswith("group_data/backends.py:1: consul.domain is 'lab' for s2 but 'consul' for s1")


def test_two_hosts_with_one_address(tmp_path: Path) -> None:
    said = refused(tmp_path, 'address = "10.0.0.9"', hosts={**SERVER, "backends": ["s2"]})
    assert "s1 and s2 have the same address 10.0.0.9" in said


def host(name: str, group: str = "consul_servers", **data: object) -> RawHost:
    return RawHost(name, frozenset({group}), data)


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ([], "the inventory test has no hosts"),
        ([host("a"), host("b", "backends", address="10.0.0.2")], "a has no `address`"),
        ([host("a", ssh_hostname="127.0.0.1"), host("b", "x", address="10.0.0.2")], "a has no `address`"),
        ([host("a", address="127.0.0.1"), host("b", "x", address="10.0.0.2")], "which other hosts cannot reach"),
        ([host("a", address="10.0.0.999")], "address is '10.0.0.999'"),
        ([host("web.x", address="10.0.0.1"), host("web.y", "x", address="10.0.0.2")], "the same Consul node name web"),
    ],
)
def test_hosts_that_cannot_find_each_other(hosts: list[RawHost], sentence: str) -> None:
    with pytest.raises(RollcallError, match=sentence.replace(".", r"\.")):
        validation.check("test", hosts, "laptop", nowhere)


def test_address_is_taken_from_ssh_where_it_can_be() -> None:
    hosts = [host("10.0.0.1"), host("b", "x", ssh_hostname="10.0.0.2")]
    fleet = validation.check("test", hosts, "laptop", nowhere)
    assert [member.address for member in fleet.members] == ["10.0.0.1", "10.0.0.2"]
    assert [member.node for member in fleet.members] == ["10-0-0-1", "b"]
