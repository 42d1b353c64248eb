"""What a declared service becomes on a host, and what is refused before any host is touched."""

from dataclasses import astuple
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from own_components import resources
from six_hosts import checked

from rollcall.components import declared, services
from rollcall.components.component import HostFacts
from rollcall.config import local_files
from rollcall.config.fleet import Fleet
from rollcall.config.project import CHECKOUT
from rollcall.config.service_options import Options
from rollcall.contract import route_metadata
from rollcall.contract.policies import table
from rollcall.converge import docker_commands
from rollcall.converge.resources import Container, File, PublishedPort, Resource, Tmpfs, Volume
from rollcall.errors import RollcallError
from rollcall.registrator.docker.container import read_container
from rollcall.registrator.services.services import read_services
from rollcall.registrator.settings import AgentAddress, Settings
from rollcall.secrets.store import Secrets

SHOP = {"name": "shop", "image": "example/shop:1.4"}


def fleet_with(**shop: Any) -> Fleet:
    return checked(services=[{**SHOP, **shop}])


def found(fleet: Fleet, facts: HostFacts, secret: Secrets) -> tuple[Resource, ...]:
    return resources(fleet, "app1", facts, secret)["services"]


def containers(fleet: Fleet, facts: HostFacts, secret: Secrets) -> dict[str, Container]:
    return {one.name: one for one in found(fleet, facts, secret) if isinstance(one, Container)}


FAULTS: list[tuple[dict[str, Any], str]] = [
    ({"name": "Shop"}, "services[0].name: got 'Shop'; expected lower-case letters"),
    ({"prots": [80]}, "services[0].prots: unknown setting; did you mean ports?"),
    ({"name": "consul"}, "services[0].name: got 'consul', the name of one of Rollcall's containers"),
    ({"ports": [80, 80]}, "services[0].ports[1]: got 80 a second time"),
    ({"routes": [{"host": "a.example.com"}]}, "services[0].routes: got it without ports of the service"),
    ({"tags": ["v2"]}, "services[0].tags: got it without ports of the service"),
    ({"release": {"drain_timeout": 5}}, "services[0].release.drain_timeout: got it without ports of the service"),
    ({"ports": [80], "routes": [{"host": "a", "port": 81}]}, "routes[0].port: got 81; expected one of the service's"),
    (
        {"ports": [80], "routes": [{"host": "a"}, {"host": "b", "path": "/x"}]},
        "services[0].routes[1].path: got '/x', and '/' in another route of port 80",
    ),
    ({"ports": [80], "health": {"check": "image", "path": "/"}}, "health.path: got it with the check 'image'"),
    ({"ports": [80], "health": {"port": 81}}, "health.port: got 81; expected one of the service's ports: 80"),
    ({"health": {"path": "/up"}}, "services[0].health: got a check that sends requests, without ports"),
    ({"ports": [80], "health": {"interval": 5}}, "services[0].health.interval: got 5; expected a duration"),
    (
        {"ports": [80], "count": 2, "public_port": 8080},
        "public_port: got 8080 with a count of 2; expected a count of 1",
    ),
    ({"ports": [80], "public_port": 8500}, "public_port: got 8500, the port of Consul"),
    (
        {"ports": [80], "public_port": 8080, "release": {"order": "start-first"}},
        "services[0].release.order: got 'start-first' with a public_port",
    ),
    ({"files": [{"source": "absent", "target": "/a"}]}, "services[0].files[0].source: "),
    ({"volumes": [{"source": "../x", "target": "/x"}]}, "services[0].volumes[0].source: got '../x'; expected the name"),
    (
        {"volumes": [{"source": "a1", "target": "/x"}, {"source": "b1", "target": "/x"}]},
        "services[0].volumes[1].target: got '/x' a second time",
    ),
    ({"environment": {"SERVICE_80_ID": "x"}}, "services[0].environment.SERVICE_80_ID: got it, and two containers"),
    ({"environment": {"A": 1}}, "services[0].environment.A: got 1; expected a dict of strings"),
    ({"cpus": -1}, "services[0].cpus: got -1; expected a number of at least 0.01"),
    ({"labels": {"rollcall.spec": "x"}}, "services[0].labels.rollcall.spec: got it, and Rollcall's own"),
    ({"labels": {"SERVICE_ID": "x"}}, "services[0].labels.SERVICE_ID: got it, and two containers"),
    ({"options": {"initt": True}}, "services[0].options.initt: unknown setting; did you mean init?"),
    ({"options": {"privileged": True}}, "services[0].options.privileged: unknown setting"),
    ({"options": {"devices": ["/etc/passwd"]}}, "services[0].options.devices[0]: got '/etc/passwd'; expected a list"),
    ({"options": {"ulimits": {"nofile": "many"}}}, "options.ulimits.nofile: got 'many'; expected a dict of limits"),
    (
        {"volumes": [{"source": "a1", "target": "/x"}], "options": {"tmpfs": [{"target": "/x"}]}},
        "services[0].options.tmpfs[0].target: got '/x' a second time",
    ),
    (
        {"ports": [80], "routes": [{"host": "a.example.com", "alow": "10.0.0.0/8"}]},
        "services[0].routes[0].alow: unknown setting; did you mean allow?",
    ),
    (
        {"ports": [80], "routes": [{"host": "a.example.com", "allow": "10.0.0.0/8"}, {"host": "b.example.com"}]},
        "services[0].routes[1].allow: got None, and '10.0.0.0/8' in another route of port 80",
    ),
    (
        {"ports": [80], "routes": [{"host": "a.example.com", "basic_auth": "staff"}]},
        "services[0].routes[0].basic_auth: got 'staff'; expected one of front.users (none yet)",
    ),
    (
        {"ports": [80], "routes": [{"host": "a.example.com", "deny": [f"10.0.{part}.0/24" for part in range(64)]}]},
        "services[0].routes[0].deny: got 821 bytes; expected at most 512",
    ),
    (
        {"ports": [80], "routes": [{"host": "*.example.com", "redirect_from": "shop.example.com"}]},
        "services[0].routes[0].redirect_from: got it for '*.example.com'; expected a route with an exact host",
    ),
    ({"user": "shop"}, "services[0].user: got 'shop'; expected a numeric uid"),
]


@pytest.mark.parametrize(("settings", "sentence"), FAULTS)
def test_what_cannot_work_is_one_sentence(settings: dict[str, Any], sentence: str) -> None:
    with pytest.raises(RollcallError) as refusal:
        fleet_with(**settings)
    assert sentence in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_container_has_the_defaults_of_a_careful_person(facts: HostFacts, secret: Secrets) -> None:
    own = containers(fleet_with(ports=[8000], count=2), facts, secret)
    assert list(own) == ["shop-1", "shop-2"]
    shop = own["shop-1"]
    assert shop.memory == 512
    assert shop.restart == "always"
    assert shop.security_options == ("no-new-privileges",)
    assert shop.drop_capabilities == ("ALL",)
    assert "NET_RAW" not in shop.add_capabilities
    ((port, address, chosen),) = map(astuple, shop.ports)
    assert (port, address) == (8000, "10.77.0.21")
    assert chosen == "29500-29599"


@given(st.from_regex(r"[a-z]{1,42}", fullmatch=True), st.integers(1, 65535))
def test_every_published_port_is_in_the_table_of_open_ports(name: str, port: int) -> None:
    fleet = fleet_with(name=f"s{name}"[:42], ports=[port])
    member = fleet.member("app1")
    (table,) = services.open_ports(fleet, member)
    (published,) = services._published(fleet, member, member.settings.services[0])
    first, last = map(int, published.host.split("-"))
    assert {first, last} <= set(table.ports)
    assert last - first == 99


def test_a_public_port_is_the_registered_one(facts: HostFacts, secret: Secrets) -> None:
    shop = containers(fleet_with(ports=[8000, 9000], public_port=8080), facts, secret)["shop-1"]
    assert shop.ports == (
        PublishedPort(8000, "0.0.0.0", "8080"),
        PublishedPort(9000, "10.77.0.21", "29800-29899"),
    )


@pytest.mark.parametrize(
    ("settings", "order"),
    [
        ({}, "start-first"),
        ({"ports": [80], "public_port": 8080}, "stop-first"),
        ({"volumes": [{"source": "data", "target": "/data"}]}, "stop-first"),
        ({"volumes": [{"source": "data", "target": "/data", "read_only": True}]}, "start-first"),
        ({"volumes": [{"source": "data", "target": "/data"}], "release": {"order": "start-first"}}, "start-first"),
        ({"release": {"order": "stop-first"}}, "stop-first"),
    ],
)
def test_the_order_of_a_release(settings: dict[str, Any], order: str) -> None:
    assert fleet_with(**settings).member("app1").settings.services[0].order == order


def registered(shop: Container) -> list[Any]:
    """What the registrator makes of the container."""
    document = {
        "Id": "a" * 64,
        "Name": f"/{shop.name}",
        "Config": {"Image": shop.image, "Env": [f"{key}={value}" for key, value in shop.environment]},
        "State": {"Running": True, "Status": "running", "StartedAt": "2026-11-28T00:00:00Z"},
        "HostConfig": {"NetworkMode": shop.network},
        "NetworkSettings": {
            "Networks": {},
            "Ports": {f"{port.container}/tcp": [{"HostIp": port.address, "HostPort": "22000"}] for port in shop.ports},
        },
    }
    settings = Settings(AgentAddress("consul", "127.0.0.1", 8500), "app1", "10.77.0.21")
    return list(read_services(read_container(document), settings).services)


def test_the_registrator_registers_it_with_check_route_and_tags(facts: HostFacts, secret: Secrets) -> None:
    settings = {
        "ports": [8000],
        "routes": [{"host": "shop.example.com"}, {"host": "www.shop.example.com"}],
        "health": {"path": "/up"},
        "tags": ["v2"],
    }
    (service,) = registered(containers(fleet_with(**settings), facts, secret)["shop-1"])
    assert (service.id, service.name, service.tags) == ("app1:shop-1:8000", "shop", ("v2",))
    assert service.check == {"HTTP": "http://10.77.0.21:22000/up", "Interval": "2s", "Timeout": "2s"}
    assert service.meta["virtual_host"] == "shop.example.com,www.shop.example.com"


def test_a_routes_policies_are_its_containers_metadata(facts: HostFacts, secret: Secrets) -> None:
    routes = [
        {"host": "shop.example.com", "port": 9000, "allow": ["10.0.0.0/8"], "retries": False, "sticky": False},
        {"host": "www.shop.example.com", "port": 9000, "allow": ["10.0.0.0/8"], "retries": False},
    ]
    shop = containers(fleet_with(ports=[8000, 9000], routes=routes), facts, secret)["shop-1"]
    by_name = {one.name: one.meta for one in registered(shop)}
    policies, errors = table.read(by_name["shop-9000"], frozenset(route_metadata.ROUTE_KEYS))
    assert (dict(policies), errors) == ({"allow": "10.0.0.0/8", "retries": "off"}, ())
    assert not any(key.startswith("virtual") for key in by_name["shop-8000"])


def test_several_ports_are_several_services_and_one_is_checked(facts: HostFacts, secret: Secrets) -> None:
    services = registered(containers(fleet_with(ports=[8000, 9000]), facts, secret)["shop-1"])
    assert {one.name: one.check is not None for one in services} == {"shop-8000": True, "shop-9000": False}


def test_a_worker_is_no_service_in_consul(facts: HostFacts, secret: Secrets) -> None:
    worker = containers(fleet_with(), facts, secret)["shop-1"]
    assert worker.ports == ()
    assert registered(worker) == []


def test_a_users_own_metadata_wins(facts: HostFacts, secret: Secrets) -> None:
    shop = containers(fleet_with(ports=[80], environment={"SERVICE_NAME": "x"}), facts, secret)["shop-1"]
    assert dict(shop.environment)["SERVICE_NAME"] == "x"


def test_the_tag_of_the_image_is_its_version_in_consul(facts: HostFacts, secret: Secrets) -> None:
    (service,) = registered(containers(fleet_with(ports=[80]), facts, secret)["shop-1"])
    assert service.meta["version"] == "1.4"


def test_a_volume_is_the_users_own_and_never_removed(facts: HostFacts, secret: Secrets) -> None:
    volumes = [{"source": "shop-data", "target": "/data"}, {"source": "/srv/shop", "target": "/srv"}]
    own = found(fleet_with(volumes=volumes), facts, secret)
    assert not [one for one in own if isinstance(one, Volume)]
    (shop,) = [one for one in own if isinstance(one, Container)]
    assert {mount.source for mount in shop.mounts} == {"shop-data", "/srv/shop"}


def test_files_are_rendered_beside_those_of_the_version_before(
    facts: HostFacts, secret: Secrets, tmp_path: Path
) -> None:
    local_files.relative_to(tmp_path)
    (tmp_path / "shop.toml.j2").write_text('host = "{{ host }}"\nservice = "{{ service }}"\n')
    fleet = fleet_with(files=[{"source": "shop.toml.j2", "target": "/etc/shop.toml"}])

    def mounted() -> tuple[File, Container]:
        own = found(fleet, facts, secret)
        (file,) = [one for one in own if isinstance(one, File)]
        (shop,) = [one for one in own if isinstance(one, Container)]
        assert [(mount.source, mount.target) for mount in shop.mounts] == [(file.path, "/etc/shop.toml")]
        return file, shop

    before, old = mounted()
    assert before.text == 'host = "app1"\nservice = "shop"\n'
    (tmp_path / "shop.toml.j2").write_text("changed\n")
    after, new = mounted()
    assert after.path != before.path
    assert old.spec != new.spec


def test_a_faulty_template_is_named(tmp_path: Path) -> None:
    local_files.relative_to(tmp_path)
    (tmp_path / "shop.toml.j2").write_text("{{ hots }}")
    with pytest.raises(RollcallError, match=r"shop\.toml\.j2: 'hots' is undefined; expected a Jinja template"):
        fleet_with(files=[{"source": "shop.toml.j2", "target": "/etc/shop.toml"}])


def test_an_older_deploy_py_does_not_forget_services(tmp_path: Path) -> None:
    whole = (CHECKOUT / "deploy.py").read_text()
    for missing, sentence in (
        ("    services.COMPONENT,\n", "not services.COMPONENT in COMPONENTS"),
        ("    release_services(here)\n", r"no call of release_services\(here\)"),
    ):
        assert missing in whole
        (tmp_path / "deploy.py").write_text(whole.replace(missing, ""))
        chosen = declared.components(tmp_path)
        declared.check_complete(tmp_path, checked(), chosen)
        with pytest.raises(RollcallError, match=sentence):
            declared.check_complete(tmp_path, fleet_with(), chosen)


def test_every_option_has_its_flag(facts: HostFacts, secret: Secrets) -> None:
    options = {
        "init": True,
        "entrypoint": ["/bin/serve", "--verbose"],
        "working_dir": "/app",
        "hostname": "shop",
        "stop_signal": "SIGQUIT",
        "extra_hosts": {"db": "10.0.0.1", "host": "host-gateway"},
        "tmpfs": [{"target": "/run"}],
        "devices": ["/dev/fuse", "/dev/kvm:rw", "/dev/a:/dev/b", "/dev/a:/dev/c:r"],
        "group_add": ["44"],
        "shm_size": 256,
        "sysctls": {"net.core.somaxconn": "1024"},
        "ulimits": {"nofile": "65536", "nproc": "1:2"},
        "oom_score_adj": -5,
    }
    assert options.keys() == Options.model_fields.keys()
    shop = containers(
        fleet_with(options=options, cpus=1.5, labels={"team": "shop"}, command=["now"], read_only=True), facts, secret
    )["shop-1"]
    words = docker_commands.run_arguments(shop)
    assert words[words.index("example/shop:1.4") :] == ["example/shop:1.4", "--verbose", "now"]
    flags = (
        "--cpus=1.5 --init=true --entrypoint=/bin/serve --workdir=/app --hostname=shop --stop-signal=SIGQUIT "
        "--add-host=db:10.0.0.1 --add-host=host:host-gateway --tmpfs=/run:size=16m,mode=1777 "
        "--tmpfs=/tmp:size=64m,mode=1777 "
        "--device=/dev/fuse:/dev/fuse:rwm --device=/dev/kvm:/dev/kvm:rw --device=/dev/a:/dev/b:rwm "
        "--device=/dev/a:/dev/c:r --group-add=44 --shm-size=256m --sysctl=net.core.somaxconn=1024 "
        "--ulimit=nofile=65536:65536 --ulimit=nproc=1:2 --oom-score-adj=-5 --label=team=shop"
    )
    assert set(flags.split()) - set(words) == set()


def test_a_directory_in_memory_is_its_users_at_every_start(facts: HostFacts, secret: Secrets) -> None:
    """Docker 20.10 forgets the mode at the second start."""
    options = {"tmpfs": [{"target": "/run/shop", "size": 8}]}
    for user, owner in (("", ""), ("101", "uid=101,gid=0,"), ("101:102", "uid=101,gid=102,")):
        shop = containers(fleet_with(options=options, user=user, read_only=True), facts, secret)["shop-1"]
        assert shop.tmpfs == (
            Tmpfs("/run/shop", f"{owner}size=8m,mode=1777"),
            Tmpfs("/tmp", f"{owner}size=64m,mode=1777"),
        )
