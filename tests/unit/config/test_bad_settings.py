"""Every mistake in the settings is one sentence: file and line, key, value, and what would be right."""

import textwrap
from pathlib import Path

import pytest
from own_components import check

from rollcall.config import validation
from rollcall.config.fleet import RawHost, nowhere
from rollcall.config.layers import Layer, merged
from rollcall.errors import RollcallError

SERVER = {"consul_servers": ["s1"]}
FIVE = {f"s{number}": f"10.0.0.{number}" for number in range(1, 8)}


def layered(name: str, groups: frozenset[str], *layers: Layer, address: str) -> RawHost:
    """A host as it is read from files, with an address that stands in the inventory."""
    found = (Layer("inventory.py", "", {"address": address}), *layers)
    return RawHost(name, groups, merged(found), found)


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
        file = project / "group_data" / f"{group}.py"
        raw.append(layered(name, own, Layer(str(file), group, values if applies else {}), address=FIVE[name]))
    with pytest.raises(RollcallError) as refusal:
        check("test", raw, "laptop", validation.locator(project / "inventory.py", raw))
    return str(refusal.value).replace(f"{project}/", "")


CASES = [
    ('consull = {"domain": "x"}', "group_data/all.py:1: consull: unknown setting; did you mean consul?"),
    ('consul = {"datcenter": "x"}', "group_data/all.py:1: consul.datcenter: unknown setting; did you mean datacenter?"),
    # Settings of before.
    ("templates = []", "group_data/all.py:1: templates: unknown setting; did you mean template_sync.templates?"),
    ('templates_image = "a"', "all.py:1: templates_image: unknown setting; did you mean template_sync.image?"),
    ('template_keys = ["a/"]', "all.py:1: template_keys: unknown setting; did you mean template_sync.keys?"),
    (
        'consul = {\n    "domain": "consul",\n    "datacenter": 5,\n}',
        "group_data/all.py:3: consul.datacenter: got 5; expected",
    ),
    (
        'front = {"trusted_proxies": ["10.0.0.7/8"]}',
        "front.trusted_proxies[0]: got '10.0.0.7/8'; expected a list of networks such as",
    ),
    (
        'front = {"proxy_protocol": True}',
        "front.proxy_protocol: got True without front.trusted_proxies; expected the networks",
    ),
    (
        'front = {"proxy_protocol": True, "trusted_proxies": ["10.0.0.7"], "virtual_address": "10.0.0.9/8"}',
        "front.virtual_address",
    ),
    ('consul = {"datacenter": "DC 1"}', "consul.datacenter: got 'DC 1'; expected at most 63 lower-case letters"),
    ('consul = {"domain": ".consul."}', "consul.domain: got '.consul.'; expected a DNS name"),
    ('consul = {"image": "Not An Image"}', "consul.image: got 'Not An Image'; expected an image name"),
    ('consul = {"extra": "log_level"}', "consul.extra: got 'log_level'; expected a dict"),
    ('consul = "dc1"', "group_data/all.py:1: consul: got 'dc1'; expected a dict of settings"),
    ('consul_server = {"raft_multiplier": 0}', "consul_server.raft_multiplier: got 0; expected an integer from 1"),
    (
        'consul_server = {"backups": {"every": "1"}}',
        "consul_server.backups.every: got '1'; expected a time with its unit",
    ),
    ('consul_server = {"backups": {"every": "9s"}}', "consul_server.backups.every: got '9s'; expected a time"),
    ('consul_server = {"backups": {"keep": 0}}', "consul_server.backups.keep: got 0; expected an integer from 1"),
    (
        'consul_server = {"backups": {"directory": "/var/lib"}}',
        "backups.directory: got '/var/lib'; expected an absolute",
    ),
    ('consul_server = {"backups": {"directory": "/srv/../etc"}}', "backups.directory: got '/srv/../etc'; expected"),
    ('consul_server = {"raft_multiplier": "1"}', "consul_server.raft_multiplier: got '1'; expected an integer"),
    ('image_source = "download"', "image_source: got 'download'; expected \"pull\""),
    ('front = {"image_source": "build"}', "front.image_source: got 'build'; expected \"pull\""),
    ('registrator = {"mode": "external"}', "registrator.mode: got 'external'; expected \"internal\""),
    ('registrator = {"resync": -1}', "registrator.resync: got -1; expected an integer from 0"),
    ('registrator = {"cleanup": "yes"}', "registrator.cleanup: got 'yes'; expected True or False"),
    ('registrator = {"tags": "http"}', "registrator.tags: got 'http'; expected a list of tags"),
    (
        'backends = [{"name": "web"}]',
        "group_data/all.py:1: backends: unknown setting; did you mean services, as `rollcall init` writes them?",
    ),
    ('services = [{"count": 2}]', "group_data/all.py:1: services[0].name: missing; expected lower-case letters"),
    (
        'services = [{"name": "web", "image": "x", "count": 51}]',
        "services[0].count: got 51; expected an integer from 0",
    ),
    ('services = {"name": "web"}', "services: got {'name': 'web'}; expected a list of dicts"),
    (
        'services = [\n    {"name": "a", "image": "x"},\n    {"name": "a", "image": "x"},\n]',
        "group_data/all.py:3: services[1].name: got 'a' a second",
    ),
    (
        'services = [{"name": "a", "image": "x", "files": [{"source": "fleet:crt", "target": "/a"}]}]',
        "services[0].files[0].source: got 'fleet:crt'; expected the path of a file",
    ),
    ('front = {"http_port": 80, "https_port": 80}', "front.https_port: got 80, the port of front.http_port; expected"),
    ('front = {"http_port": 8500}', "front.http_port: got 8500, the port of Consul; expected a port"),
    ('front = {"https_port": 22}', "front.https_port: got 22, the port of SSH; expected a port"),
    ('front = {"http_port": 70000}', "front.http_port: got 70000; expected a port from 1 to 65535"),
    ('front = {"http_port": "80"}', "front.http_port: got '80'; expected a port from 1 to 65535"),
    ('front = {"server_name": "a b"}', "front.server_name: got 'a b'; expected a host name"),
    ('front = {"services": ["a.b.c"]}', "front.services[0]: got 'a.b.c'; expected a list"),
    ('front = {"routes": [{"host": "a.example.com"}]}', "front.routes[0].service: missing; expected a service"),
    (
        'front = {"routes": [{"service": "a-80", "host": "a b"}]}',
        "front.routes[0].host: got 'a b'; expected a host name such as \"shop.example.com\"",
    ),
    (
        'front = {"routes": [{"service": "a-80", "host": "a", "path": "/../x"}]}',
        "front.routes[0].path: got '/../x'; expected a path such as \"/api\"",
    ),
    (
        'front = {"routes": [{"service": "a-80", "host": "a", "protocol": "ftp"}]}',
        'front.routes[0].protocol: got \'ftp\'; expected "http", "https"',
    ),
    ('front = {"streams": [{"service": "db"}]}', "front.streams[0].port: missing; expected a port"),
    ('front = {"streams": [{"service": "db", "prot": 5432}]}', "streams[0].prot: unknown setting; did you mean port?"),
    ('front = {"streams": [{"prot": 5432}, {"x": 1}]}', "front.streams[0].prot: unknown setting; did you mean port?"),
    ('front = {"streams": [{"port": 22, "service": "db"}]}', "front.streams[0].port: got 22, the port of SSH"),
    (
        'front = {"streams": [{"port": 80, "service": "db"}]}',
        "front.streams[0].port: got 80, the port of front.http_port",
    ),
    ('front = {"streams": [{"port": 53, "protocol": "udp", "service": "a"}]}', "got 53, the port of DNS"),
    (
        'front = {"streams": [{"port": 1, "service": "a"}, {"port": 1, "service": "b"}]}',
        "front.streams[1]: got port 1/tcp, which front.streams[0] has; expected each place once",
    ),
    (
        'front = {"streams": [{"port": 1, "service": "a"}, {"port": 1, "service": "b", "server_names": ["b.test"]}]}',
        "front.streams[1]: got port 1 with and without server_names; expected one of both",
    ),
    (
        'front = {"streams": [{"port": 1, "protocol": "udp", "service": "a", "server_names": ["a.example.com"]}]}',
        'front.streams[0].server_names: got names for "udp"; expected them for "tcp" alone',
    ),
    (
        'front = {"streams": [{"port": 1, "protocol": "udp", "service": "a", "proxy_protocol": True}]}',
        "front.streams[0]: proxy_protocol: got it for UDP; expected it for TCP alone",
    ),
    (
        'front = {"streams": [{"port": 1, "service": "a", "allow": ["10.0.0.7/8"]}]}',
        "front.streams[0].allow: got ['10.0.0.7/8']; expected networks such as",
    ),
    ('front = {"stream_ports": [5432, 8500]}', "front.stream_ports[1]: got 8500, the port of Consul; expected a port"),
    ('front = {"stream_ports": ["440-450"]}', "front.stream_ports[0]: got 443, the port of front.https_port"),
    ('front = {"stream_ports": [8511]}', "front.stream_ports[0]: got 8511, the port of front.status; expected a port"),
    ('front = {"stream_ports": ["53/sctp"]}', "front.stream_ports[0]: got '53/sctp'; expected a list of ports such as"),
    ('front = {"stream_ports": ["1-70000"]}', "front.stream_ports[0]: got '1-70000'; expected a list of ports such as"),
    ('front = {"stream_ports": [True]}', "front.stream_ports[0]: got True; expected a list of ports such as"),
    (
        'front = {"stream_ports": ["9000-9199", 9200]}',
        "front.stream_ports: got 201 ports with front.streams; expected at",
    ),
    ('front = {"status": "8511"}', "front.status: got '8511'; expected an IPv4 address and port"),
    ('front = {"status": "127.0.0.1:65536"}', "front.status: got '127.0.0.1:65536'; expected an IPv4 address and port"),
    ('front = {"shutdown_timeout": 10}', "front.shutdown_timeout: got 10; expected an integer from"),
    ('front = {"old_generations": 0}', "front.old_generations: got 0; expected an integer from 1 to 100"),
    ('front = {"keep_lost": 3601}', "front.keep_lost: got 3601; expected an integer from"),
    ('front = {"address": "localhost"}', "front.address: got 'localhost'; expected an IPv4 address"),
    (
        'front = {"fail_timeout": "60s"}',
        "front.fail_timeout: got '60s'; expected an integer from 1 to 3600, in seconds",
    ),
    (
        'front = {"acme": {"email": "ops@example.com"}}',
        "front.acme.names",
    ),
    (
        'front = {"acme": {"email": "ops@example.com", "names": []}}',
        "front.acme.names: got []; expected a list of lower-case names",
    ),
    (
        'front = {"acme": {"email": "ops", "names": ["*.example.com"]}}',
        "front.acme.email: got 'ops'; expected an address",
    ),
    (
        'front = {"acme": {"email": "ops@example.com", "names": ["*"]}}',
        "front.acme.names",
    ),
    (
        'front = {"certificate": "a.crt"}',
        "group_data/all.py:1: front.certificate: got it without front.certificate_key",
    ),
    (
        'front = {"certificate_key": "a.key"}',
        "front.certificate_key: got it without front.certificate; expected both",
    ),
    ('front = {"redirect": "yes"}', "group_data/all.py:1: front.redirect: got 'yes'; expected False, True"),
    ('front = {"redirect": 0}', "front.redirect: got 0; expected False, True"),
    ('front = {"max_body_size": "100 MB"}', "front.max_body_size: got '100 MB'; expected a size such as"),
    ('front = {"access_log": "files"}', 'front.access_log: got \'files\'; expected "json", "short"'),
    ('front = {"access_log_size": "0"}', "front.access_log_size: got '0'; expected the size of a file such as"),
    ('front = {"access_log_keep": 0}', "front.access_log_keep: got 0; expected an integer from 1 to 1000"),
    (
        'template_sync = {"keys": ["haproxy/"]}',
        "template_sync.keys: got ('haproxy/',) without template_sync.templates; expected both, or neither",
    ),
    (
        'front = {"routes": [{"service": "a-80", "host": "a.example.com", "strip": True}]}',
        'front.routes[0].strip: got True with the path "/", of which nothing can be removed',
    ),
    (
        'front = {"routes": [{"service": "a-80", "host": "a.example.com", "forward_auth_headers": "Remote-User"}]}',
        "front.routes[0].forward_auth_headers: got it without forward_auth, so that nobody would have to sign in",
    ),
    ('services = [{"image": "a:1"}]', "services[0].name: missing; expected lower-case letters"),
    (
        'services = [\n    {"name": "shop", "image": "a:1", "ports": [80]},\n    {"name": "shop", "image": "a:2"},\n]',
        "group_data/all.py:3: services[1].name: got 'shop' a second time on s1; expected one entry",
    ),
    ('dns = {"enabled": 1}', "dns.enabled: got 1; expected True or False"),
    ('address = "10.0.0"', "address: got '10.0.0'; expected an IPv4 address"),
]


@pytest.mark.parametrize(("data", "sentence"), CASES, ids=[data.replace("\n", "")[:50] for data, _ in CASES])
def test_bad_setting_is_one_sentence(tmp_path: Path, data: str, sentence: str) -> None:
    said = refused(tmp_path, data)
    assert sentence in said
    assert "\n" not in said


def test_a_service_of_one_group_is_named_where_it_stands(tmp_path: Path) -> None:
    (tmp_path / "all.py").write_text('services = [{"name": "shop", "image": "a:1"}]\n')
    (tmp_path / "apps.py").write_text('services = [\n    {"name": "cart", "image": "a:1"},\n    {"name": "shop"},\n]\n')
    shop, cart = {"name": "shop", "image": "a:1"}, {"name": "cart", "image": "a:1"}
    weak = Layer(str(tmp_path / "all.py"), "all", {"services": [shop]})
    strong = Layer(str(tmp_path / "apps.py"), "apps", {"services": [cart, {"name": "shop"}]})
    host = layered("s1", frozenset({"consul_servers", "apps"}), weak, strong, address="10.0.0.1")
    with pytest.raises(RollcallError, match=r"apps\.py:3: services\[2\]\.image: missing"):
        check("test", [host], "laptop", validation.locator(tmp_path / "inventory.py", [host]))


def test_group_file_is_named_rather_than_all(tmp_path: Path) -> None:
    said = refused(tmp_path, 'front = {"weigth": 2}', group="fronts", hosts={**SERVER, "fronts": ["s1"]})
    assert said == "group_data/fronts.py:1: front.weigth: unknown setting; did you mean weight?"


def test_host_data_in_the_inventory_is_named(tmp_path: Path) -> None:
    inventory = tmp_path / "inventory.py"
    inventory.write_text(
        'consul_servers = [\n    ("s1", {"address": "10.0.0.1"}),\n    ("s2", {"image_source": "x"}),\n]\n'
    )
    raw = [
        layered("s1", frozenset({"consul_servers"}), address="10.0.0.1"),
        layered("s2", frozenset(), Layer(str(inventory), "", {"image_source": "x"}), address="10.0.0.2"),
    ]
    with pytest.raises(RollcallError, match=r"inventory\.py:3: image_source: got 'x'"):
        check("test", raw, "laptop", validation.locator(inventory, raw))


@pytest.mark.parametrize("count", [2, 4, 6])
def test_no_quorum_of_an_even_number(tmp_path: Path, count: int) -> None:
    said = refused(tmp_path, "", hosts={"consul_servers": list(FIVE)[:count]})
    assert f"consul_servers: got {count} hosts" in said
    assert said.endswith("expected 1, 3 or 5")


def test_no_servers_at_all(tmp_path: Path) -> None:
    said = refused(tmp_path, "", hosts={"consul_server": ["s1"]})
    assert "test: no host in the group consul_servers; did you write consul_server?" in said


ON_A_FRONT = {**SERVER, "fronts": ["s2", "s3"]}


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        ('"access_log_size": "2m"', "access_log_size: got '2m' without front.access_log = \"file\"; expected both"),
        ('"access_log": "json", "access_log_keep": 9', 'access_log_keep: got 9 without front.access_log = "file"'),
        ('"virtual_router": 7', "virtual_router: got 7 without front.virtual_address; expected both"),
        ('"virtual_interface": "eth1"', "virtual_interface: got 'eth1' without front.virtual_address"),
        ('"max_fails": 0, "fail_timeout": 5', "fail_timeout: got 5 without front.max_fails of at least 1"),
    ],
)
def test_a_setting_that_no_front_uses(tmp_path: Path, data: str, sentence: str) -> None:
    said = refused(tmp_path, f"front = {{{data}}}", group="fronts", hosts=ON_A_FRONT)
    assert said.startswith(f"group_data/fronts.py:1: front.{sentence}")


def test_a_setting_that_one_front_uses_may_stand_in_the_data_of_all() -> None:
    def front(name: str, address: str, **data: object) -> RawHost:
        return host(name, "fronts", address=address, front={"access_log_size": "2m", **data})

    hosts = [
        host("s1", address="10.0.0.1", front={"access_log_keep": 7}),
        front("f1", "10.0.0.2"),
        front("f2", "10.0.0.3", access_log="file"),
    ]
    assert check("test", hosts, "laptop", nowhere).fronts
    with pytest.raises(RollcallError, match=r"front\.access_log_size: got '2m' without"):
        check("test", hosts[:2], "laptop", nowhere)


def test_internal_mode_needs_one_host(tmp_path: Path) -> None:
    said = refused(tmp_path, 'registrator = {"mode": "internal"}', hosts={**SERVER, "backends": ["s2"]})
    assert "registrator.mode: got 'internal' with 2 hosts" in said


def test_one_value_for_the_whole_fleet(tmp_path: Path) -> None:
    said = refused(tmp_path, 'consul = {"domain": "lab"}', group="backends", hosts={**SERVER, "backends": ["s2"]})
    assert said.startswith("group_data/backends.py:1: consul.domain: got 'lab' for s2 and 'consul' for s1")


def test_two_hosts_with_one_address(tmp_path: Path) -> None:
    said = refused(tmp_path, 'address = "10.0.0.9"', hosts={**SERVER, "backends": ["s2"]})
    assert "s1 and s2 have the same address 10.0.0.9" in said


def host(name: str, group: str = "consul_servers", **data: object) -> RawHost:
    return RawHost(name, frozenset({group}), data)


@pytest.mark.parametrize(
    ("hosts", "sentence"),
    [
        ([], "test: no hosts"),
        ([host("a"), host("b", "backends", address="10.0.0.2")], "address: missing"),
        ([host("a", ssh_hostname="127.0.0.1"), host("b", "x", address="10.0.0.2")], "address: missing"),
        ([host("a", address="127.0.0.1"), host("b", "x", address="10.0.0.2")], "which other hosts cannot reach"),
        ([host("a", address="10.0.0.999")], "address: got '10.0.0.999'"),
    ],
)
def test_hosts_that_cannot_find_each_other(hosts: list[RawHost], sentence: str) -> None:
    with pytest.raises(RollcallError, match=sentence.replace(".", r"\.")):
        check("test", hosts, "laptop", nowhere)


def test_address_is_taken_from_ssh_where_it_can_be() -> None:
    hosts = [host("10.0.0.1"), host("b", "x", ssh_hostname="10.0.0.2")]
    fleet = check("test", hosts, "laptop", nowhere)
    assert [member.address for member in fleet.members] == ["10.0.0.1", "10.0.0.2"]
    assert [member.node for member in fleet.members] == ["10-0-0-1", "b"]
