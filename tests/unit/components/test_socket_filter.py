"""The containers with the engine's socket, those that read through the filter, and the filter's configuration."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from own_components import resources
from six_hosts import checked

from rollcall.components.component import HostFacts
from rollcall.config.fleet import Fleet
from rollcall.converge.resources import Container, Directory, File, Resource, Volume
from rollcall.secrets.store import Secrets

Desired = Callable[[Fleet, str], dict[str, tuple[Resource, ...]]]
ENGINE = "/var/run/docker.sock"


def containers(resources: dict[str, tuple[Resource, ...]]) -> dict[str, Container]:
    return {
        resource.name: resource for part in resources.values() for resource in part if isinstance(resource, Container)
    }


@pytest.mark.parametrize("host", ["consul1", "app1", "front1"])
def test_no_container_but_the_filter_has_the_engines_socket(fleet: Fleet, desired: Desired, host: str) -> None:
    holders = [
        name
        for name, container in containers(desired(fleet, host)).items()
        if any(ENGINE.startswith(mount.source) for mount in container.mounts)
    ]
    assert holders == ["socket-filter"]


def test_only_the_filter_and_the_registrator_mount_the_filters_socket(fleet: Fleet, desired: Desired) -> None:
    resources = desired(fleet, "app1")
    (volume,) = [resource for resource in resources["socket filter"] if isinstance(resource, Volume)]
    writable = {
        name: not mount.read_only
        for name, container in containers(resources).items()
        for mount in container.mounts
        if mount.source == volume.name
    }
    assert writable == {"socket-filter": True, "registrator": False}


def test_neither_is_root_or_the_other_and_both_are_confined(fleet: Fleet, desired: Desired) -> None:
    found = containers(desired(fleet, "app1"))
    for container in (found["socket-filter"], found["registrator"]):
        assert container.read_only
        assert container.drop_capabilities == ("ALL",)
        assert container.add_capabilities == ()
        assert container.security_options == ("no-new-privileges",)
        assert container.memory <= 128
    users = [found[name].user.split(":")[0] for name in ("socket-filter", "registrator")]
    assert "0" not in users
    assert len(set(users)) == 2
    assert found["socket-filter"].network == "none"


def test_the_filter_is_in_the_group_that_may_open_the_hosts_socket(
    fleet: Fleet, facts: HostFacts, secret: Secrets
) -> None:
    def user(group: int) -> str:
        host = replace(facts, socket_group=group)
        return containers(dict(resources(fleet, "app1", host, secret)))["socket-filter"].user

    assert [user(group).split(":")[1] for group in (998, 105)] == ["998", "105"]


def test_the_filter_comes_before_the_registrator(fleet: Fleet, desired: Desired) -> None:
    order = list(desired(fleet, "app1"))
    assert order.index("socket filter") + 1 == order.index("registrator")


def test_the_registrators_token_is_a_file_for_it_alone(fleet: Fleet, desired: Desired, secret: Secrets) -> None:
    resources = desired(fleet, "app1")
    token = secret.tokens.secret("registrator", "app1")
    (file,) = [
        resource
        for part in resources.values()
        for resource in part
        if isinstance(resource, File) and token in resource.text
    ]
    registrator = containers(resources)["registrator"]
    assert (file.text, file.mode, file.owner) == (f"{token}\n", 0o600, registrator.user)
    folder = file.path.rpartition("/")[0]
    assert Directory(folder, 0o700, registrator.user) in resources["registrator"]
    assert folder in [mount.source for mount in registrator.mounts]
    assert dict(registrator.environment)["CONSUL_HTTP_TOKEN_FILE"] == file.path
    assert token not in repr(registrator)


def test_every_host_has_a_token_of_its_own_and_a_new_one_replaces_the_registrator(
    fleet: Fleet, desired: Desired
) -> None:
    digests = {name: containers(desired(fleet, name))["registrator"].configuration for name in ("app1", "app2")}
    assert len(set(digests.values())) == 2


def test_the_image_of_the_filter_is_a_setting(desired: Desired) -> None:
    fleet = checked(socket_filter={"image": "registry.lan/nginx:1.30", "image_source": "push"})
    container = containers(desired(fleet, "app1"))["socket-filter"]
    assert (container.image, container.image_source) == ("registry.lan/nginx:1.30", "push")


@pytest.fixture
def configuration(fleet: Fleet, desired: Desired) -> str:
    files = [resource for resource in desired(fleet, "app1")["socket filter"] if isinstance(resource, File)]
    (file,) = [file for file in files if file.path.endswith("nginx.conf")]
    return re.sub(r"(?m)^\s*#.*$", "", file.text)


def directives(configuration: str, name: str) -> list[str]:
    return [" ".join(found.split()) for found in re.findall(rf"(?m)^\s*{name}\s+([^;]*);", configuration)]


def test_an_event_stream_may_be_silent_for_a_year(configuration: str) -> None:
    """nginx's own limit is 60 seconds. One location sends requests to the engine, so there is one limit."""
    assert len(directives(configuration, "proxy_pass")) == 1
    assert directives(configuration, "proxy_read_timeout") == ["365d"]
    assert directives(configuration, "proxy_buffering") == ["off"]


def test_nginx_listens_at_the_filters_socket_and_nowhere_else(configuration: str) -> None:
    assert directives(configuration, "listen") == ["unix:/var/tmp/docker.sock"]
