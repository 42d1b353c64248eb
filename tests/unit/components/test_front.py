"""The effect of changed settings and secrets on a front, and the permissions of its files."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from lasting_certificate import LastingCertificate
from own_components import resources
from six_hosts import checked

from rollcall.components.component import HostFacts
from rollcall.converge.resources import Container, Directory, File, Mount, Resource
from rollcall.secrets.store import Secrets
from rollcall.secrets.tokens import Tokens

Front = Callable[..., tuple[Resource, ...]]
RELOAD, APPLY = "docker exec front front-reload", "docker exec front front-apply"


@pytest.fixture
def front(facts: HostFacts, secret: Secrets) -> Front:
    """The front of a fleet with these settings and secrets."""

    def of(secrets: dict[str, Any] | None = None, **settings: Any) -> tuple[Resource, ...]:
        fleet = checked(front=settings)
        kept = replace(secret, **(secrets or {}))
        return resources(fleet, "front1", facts, kept)["front"]

    return of


def container(resources: tuple[Resource, ...]) -> Container:
    (found,) = [resource for resource in resources if isinstance(resource, Container)]
    return found


def told(before: tuple[Resource, ...], after: tuple[Resource, ...]) -> list[str]:
    """The commands that run in the front for the difference of two deploys, in order."""
    changed = [resource for resource in after if isinstance(resource, File) and resource not in before]
    assert all(resource.consumer == "front" for resource in changed)
    return list(dict.fromkeys(resource.notify for resource in changed))


@pytest.mark.parametrize(
    ("settings", "commands"),
    [
        ({"server_name": "www.example.com"}, [APPLY]),
        ({"http_port": 81}, [APPLY]),
        ({"address": "10.77.0.31"}, [APPLY]),
        ({"redirect": True}, [APPLY]),
        ({"max_body_size": "1g"}, [APPLY]),
        ({"services": ["shop-80"]}, [APPLY]),
        ({"max_fails": 1}, [APPLY]),
        ({"routes": [{"service": "shop-80", "host": "shop.example.com"}]}, [APPLY]),
        ({"keep_lost": 0}, [APPLY]),
        ({"streams": [{"port": 5432, "service": "db-5432"}]}, [APPLY]),
        ({"stream_ports": [5432]}, [APPLY]),
        ({"access_log": "short"}, [APPLY]),
    ],
)
def test_a_running_front_applies_a_changed_setting(front: Front, settings: dict[str, Any], commands: list[str]) -> None:
    before, after = front(), front(**settings)
    assert told(before, after) == commands
    assert container(before).spec == container(after).spec


def test_a_deploy_checks_the_ports_of_declared_streams(front: Front) -> None:
    streams = [{"port": 5432, "service": "db-5432"}, {"port": 53, "protocol": "udp", "service": "dns-53"}]
    made = container(front(streams=streams, stream_ports=[6379], address="10.77.0.31"))
    assert made.listens == (("10.77.0.31", 80), ("10.77.0.31", 443), ("10.77.0.31", 5432))


@pytest.mark.parametrize("settings", [{"image": "rollcall/front:next"}, {"stop_timeout": 60}])
def test_a_setting_of_dockers_replaces_the_container(front: Front, settings: dict[str, Any]) -> None:
    assert container(front()).spec != container(front(**settings)).spec


def test_a_new_container_takes_over_from_the_old_one(front: Front) -> None:
    assert container(front()).readiness_command == ("front-health",)


def test_a_new_certificate_is_nginxs_matter_and_a_new_token_consul_templates(front: Front) -> None:
    certificates = {"fronts": {"front1": LastingCertificate("CERT-new", "KEY-new")}}
    assert told(front(), front(certificates)) == [APPLY]
    tokens = {"tokens": Tokens(b"others")}
    assert told(front(), front(tokens)) == [RELOAD]
    assert container(front()).spec == container(front(certificates)).spec == container(front(tokens)).spec


def test_the_token_and_the_key_are_for_nginx_alone(front: Front, secret: Secrets) -> None:
    resources = front()
    files = {resource.path: resource for resource in resources if isinstance(resource, File)}
    token, key = files["/etc/rollcall/front/token"], files["/etc/rollcall/front/tls/front.key"]
    assert token.text.strip() == secret.tokens.secret("front")
    assert (token.mode, token.owner) == (key.mode, key.owner) == (0o600, "101:101")
    assert {(resource.mode, resource.owner) for resource in resources if isinstance(resource, Directory)} == {
        (0o700, "101:101")
    }


def test_no_secret_is_an_argument_of_docker(front: Front, secret: Secrets) -> None:
    assert secret.tokens.secret("front") not in repr(container(front()))


def test_what_a_front_may_do_is_to_listen_and_to_become_nginx(front: Front) -> None:
    running = container(front())
    assert running.drop_capabilities == ("ALL",)
    assert running.add_capabilities == ("NET_BIND_SERVICE", "SETGID", "SETUID")
    assert running.read_only and running.security_options == ("no-new-privileges",)


def test_a_log_in_a_file_has_a_folder_of_the_host_that_the_group_adm_reads(front: Front) -> None:
    logged = front(access_log="file", access_log_size="2m", access_log_keep=7)
    folders = [one for one in logged if isinstance(one, Directory) and one not in front()]
    assert folders == [
        Directory("/var/log/rollcall"),
        Directory("/var/log/rollcall/front", 0o2750, "101:4"),
    ]
    mount = Mount("/var/log/rollcall/front", "/var/log/rollcall/front", read_only=False)
    assert mount in container(logged).mounts and mount not in container(front()).mounts
    (config,) = [json.loads(one.text) for one in logged if isinstance(one, File) and one.path.endswith("front.json")]
    assert config["access_log"] == {"size": 2 << 20, "keep": 7}
